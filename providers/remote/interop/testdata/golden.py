"""Hold the tables of provider_v1.py against a golden file of the Go side.

A message of the file is a line "message NAME", a line per field with its text
and, after a bar, its bytes. Each message is unpacked and said again in the same
words, and packed to the same bytes.
"""

import json
import sys

from provider_v1 import MESSAGES, pack, unpack


def said(kind, value):
    if kind == "bytes":
        return json.dumps(value.decode(), ensure_ascii=False)
    if kind == "string":
        return json.dumps(value, ensure_ascii=False)
    if kind == "bool":
        return "true" if value else "false"
    if kind == "map":
        return "{%s}" % ", ".join("%s: %s" % (said("string", k), said("string", value[k])) for k in sorted(value))
    if isinstance(kind, tuple):
        return "[%s]" % ", ".join(said(kind[1], v) for v in value)
    if kind in MESSAGES:
        fields = sorted(MESSAGES[kind].items(), key=lambda f: f[1][0])
        return "{%s}" % ", ".join("%s: %s" % (name, said(k, value[name])) for name, (_, k) in fields)
    return str(value)


def main(path):
    seen, name, lines, data = set(), None, [], b""
    for line in [*open(path, encoding="utf-8"), "message END"]:
        line = line.rstrip("\n")
        if line.startswith("message "):
            if name is not None:
                check(name, lines, data)
                seen.add(name)
            name, lines, data = line.split()[1], [], b""
        elif " | " in line and not line.startswith("#"):
            text, _, hexed = line.rpartition(" | ")
            lines.append(text.strip())
            data += bytes.fromhex(hexed)
    missing = set(MESSAGES) ^ seen
    if missing:
        sys.exit("only one side has %s" % ", ".join(sorted(missing)))
    print(len(seen), "messages")


def check(name, lines, data):
    values = unpack(name, data)
    fields = sorted(MESSAGES[name].items(), key=lambda f: f[1][0])
    again = ["%s: %s" % (field, said(kind, values[field])) for field, (_, kind) in fields]
    if again != lines:
        sys.exit("%s is read as\n%s\nand not as\n%s" % (name, "\n".join(again), "\n".join(lines)))
    if pack(name, values) != data:
        sys.exit("%s is packed to other bytes: %s" % (name, pack(name, values).hex()))


if __name__ == "__main__":
    main(sys.argv[1])
