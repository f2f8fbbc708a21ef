#!/usr/bin/env bash
# Rewrites the C files in the project's format (.clang-format, written for version 14).
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
clang_format=$(command -v clang-format-14 || command -v clang-format)
find src include bench tools tests \( -name '*.c' -o -name '*.h' \) -print0 |
    xargs -0 "$clang_format" -i
