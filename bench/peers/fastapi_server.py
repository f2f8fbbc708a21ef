#!/usr/bin/python3
"""FastAPI on uvicorn: fastapi_server.py PORT"""
import sys

import fastapi
import uvicorn

app = fastapi.FastAPI()
subscribers = set()


@app.websocket("/pub")
async def publish(connection: fastapi.WebSocket):
    await connection.accept()
    try:
        while True:
            message = await connection.receive_text()
            for subscriber in list(subscribers):
                await subscriber.send_text(message)
    except fastapi.WebSocketDisconnect:
        pass


@app.websocket("/sub")
async def subscribe(connection: fastapi.WebSocket):
    await connection.accept()
    subscribers.add(connection)
    try:
        while True:
            await connection.receive_text()
    except fastapi.WebSocketDisconnect:
        subscribers.discard(connection)


@app.websocket("/ws")
async def echo(connection: fastapi.WebSocket):
    await connection.accept()
    try:
        while True:
            await connection.send_text(await connection.receive_text())
    except fastapi.WebSocketDisconnect:
        pass


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", backlog=4096,
            ws_ping_interval=45)  # fmt: skip
