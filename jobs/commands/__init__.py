"""The commands of `nightmill`, one thin module each: parse, call, print."""
