#!/bin/sh
# Makes a static library whose inner names cannot meet those of a program: of all its objects one,
# in which everything with hidden visibility is local. one_object.sh LD OBJCOPY AR INPUT OUTPUT
set -eu

ld=$1 objcopy=$2 ar=$3 input=$4 output=$5
object=${output%.a}.o

rm -f "$output"
"$ld" -r --whole-archive "$input" -o "$object"
"$objcopy" --localize-hidden "$object"
"$ar" rcs "$output" "$object"
rm -f "$object"
