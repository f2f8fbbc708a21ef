#!/usr/bin/python3
"""Python's websockets: websockets_server.py PORT"""
import asyncio
import sys

import websockets

subscribers = set()


def path_of(connection):
    # Its place has changed with version 13.
    return connection.request.path if hasattr(connection, "request") else connection.path


async def serve(connection, _path=None):
    path = path_of(connection)
    if path == "/sub":
        subscribers.add(connection)
    try:
        async for message in connection:
            if path == "/pub":
                websockets.broadcast(subscribers, message)
            else:
                await connection.send(message)
    except websockets.ConnectionClosed:
        pass  # without a goodbye
    finally:
        subscribers.discard(connection)


async def main():
    async with websockets.serve(serve, "127.0.0.1", int(sys.argv[1]), compression=None,
                                max_size=None, ping_interval=45, backlog=4096):  # fmt: skip
        await asyncio.Future()


asyncio.run(main())
