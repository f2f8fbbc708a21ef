#!/usr/bin/env python3
"""Write a file as a C array: embed.py NAME INPUT OUTPUT."""
import sys

name, source, target = sys.argv[1:]
with open(source, 'rb') as f:
    data = f.read()
rows = (', '.join(str(b) for b in data[i:i + 20]) for i in range(0, len(data), 20))
with open(target, 'w', encoding='ascii') as f:
    f.write(f'/* Made from {source.rsplit("/", 1)[-1]} by tools/embed.py. */\n')
    f.write(f'static const char {name}[] = {{\n' + ',\n'.join(rows) + '};\n')
