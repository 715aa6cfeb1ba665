# SPDX-License-Identifier: Apache-2.0
"""Checks of lint that nobody writes the numbers of pq_pkg's enums instead of their names, the enums once more, or
numbered localparams instead of an enum."""
import re

import package_header

LITERAL = r"(?:\d*'s?[bodhBODH][\da-fA-F_xzXZ?]+|'[01]|(?<![\w.$'])\d+(?![\w.']))"
COMPARISON = r"(?:[!=]==?|==\?|[<>]=?)"
ENUM = re.compile(r"typedef enum logic \[(\d+):0\] \{([^{}]*)\} (\w+)_e")
DECLARATION = re.compile(r"\bpq_pkg::\w+_e\s+(\w+(?:\s*,\s*\w+)*)\s*[,;)\n]")
RECORD = re.compile(r"\bpq_pkg::(\w+)_t\s+(\w+(?:\s*,\s*\w+)*)\s*[,;)\n]")
NUMBERED = r"\blocalparam\s[^=;]*=\s*((?:\d*'d)?){};"
NUMBERED_PAIR = re.compile(NUMBERED.format("0") + r"\s*" + NUMBERED.format("1"))
MODULE = re.compile(r"^module (\w+)(.*?)^endmodule", re.M | re.S)
INSTANCE = re.compile(r"^ *(pq_\w+)\s*(?:#\([^;]*?\)\s*)?\w+ \((.*?)\);", re.M | re.S)


def bare(text):
    """The text with comments and strings gone, as many lines as before."""
    blank = lambda match: "\n" * match[0].count("\n")  # noqa: E731
    return re.sub(r'//[^\n]*|/\*.*?\*/|"[^"\n]*"', blank, text, flags=re.S)


def package_enums(text):
    """{type: (bits, its names)} of the package."""
    return {name: (int(high) + 1, re.findall(r"\w+", body)) for high, body, name in ENUM.findall(bare(text))}


def record_members(text):
    """{record: its members that are enums}"""
    return {name: re.findall(r"\w+_e\s+(\w+)", body)
            for body, name in re.findall(r"struct packed \{([^{}]*)\} (\w+)_t", bare(text))}


def enum_ports(text):
    """Names that a file declares with a type of the package's enums."""
    return {name for names in DECLARATION.findall(bare(text)) for name in re.findall(r"\w+", names)}


def names_of(text, members):
    """Pattern of all that has the type of an enum in a file: names, and members of records."""
    names = enum_ports(text)
    for record, variables in RECORD.findall(bare(text)):
        names |= {rf"{variable}\.{member}" for variable in re.findall(r"\w+", variables) for member in members.get(record, ())}
    return "|".join(sorted(names, key=len, reverse=True))


def case_items(text, names):
    """(position, body) of each case of an enum, nested ones blanked."""
    for start in re.finditer(rf"\bcase[zx]?\s*\((?:{names})\)", text):
        depth, begin, body = 1, start.end(), ""
        for word in re.finditer(r"\b(case[zx]?|endcase)\b", text[start.end():]):
            at = start.end() + word.start()
            if depth == 1:
                body += text[begin:at]
            depth += -1 if word[1] == "endcase" else 1
            begin = start.end() + word.end()
            if depth == 0:
                break
            if depth == 1:
                body += "\n" * text[at:begin].count("\n")
        yield start.start(), body


def literals(files, package):
    """Where a literal stands for a name of an enum: {path: text} of the RTL, and the text of the package."""
    members = record_members(package)
    ports = {}
    for text in files.values():
        for module, body in MODULE.findall(bare(text)):
            ports[module] = enum_ports(body.split(");")[0])
    found = []
    for path, text in files.items():
        text = bare(text)
        names = names_of(text, members)
        places = []
        if names:
            name = rf"(?<![\w.])(?:{names})(?![\w\[.])"
            places += [match.start() for match in re.finditer(rf"{name}\s*{COMPARISON}\s*{LITERAL}", text)]
            places += [match.start() for match in re.finditer(rf"{LITERAL}\s*{COMPARISON}\s*{name}", text)]
            for match in re.finditer(rf"{name}\s*(?:<=|=)(?![=>])([^;]*);", text):
                values = re.sub(r"\[[^\]]*\]", "", match[1])
                if re.search(rf"(?:^|[?:])\s*{LITERAL}\s*(?:$|:)", values):
                    places.append(match.start())
            places += [position for position, body in case_items(text, names)
                       if re.search(rf"^\s*{LITERAL}\s*[:,]", body, re.M)]
        for match in INSTANCE.finditer(text):
            for port in ports.get(match[1], ()):
                connection = re.search(rf"\.{port}\s*\(\s*{LITERAL}\s*\)", match[2])
                if connection:
                    places.append(match.start(2) + connection.start())
        found += [f"{path}:{text.count(chr(10), 0, place) + 1}: a literal instead of a name of pq_pkg\n"
                  for place in sorted(set(places))]
    return "".join(found)


def copies(files, package):
    """Enums of the package that stand in other files, too: {path: text} of RTL and C++, and the text of the package."""
    known = package_enums(package)
    lists = {tuple(names): enum for enum, (_, full) in known.items() for names in (full, package_header.plain(full))}
    numbers = {}
    for enum, (bits, names) in known.items():
        for number, (name, short) in enumerate(zip(names, package_header.plain(names))):
            numbers[name, bits, number] = numbers[short, bits, number] = enum
    found = []
    for path, text in files.items():
        text = bare(text)
        for match in re.finditer(r"\benum\b[^{};()]*\{([^{}]*)\}", text):
            names = re.findall(r"(\w+)\s*(?:=[^,]*)?(?:,|$)", match[1].strip())
            names = tuple(re.sub(r"^k(?=[A-Z])", "", name) for name in names)
            if names in lists:
                found.append(f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {lists[names]}_e of pq_pkg once more\n")
        for match in re.finditer(r"\blocalparam\s[^=;]*?(\w+)\s*=\s*(\d+)'d(\d+)\s*;", text):
            enum = numbers.get((match[1], int(match[2]), int(match[3])))
            if enum:
                line = text.count("\n", 0, match.start()) + 1
                found.append(f"{path}:{line}: {match[1]} of {enum}_e of pq_pkg once more\n")
    return "".join(found)


def numbered(files):
    """Where RTL numbers names one by one: {path: text}."""
    return "".join(f"{path}:{text.count(chr(10), 0, match.start()) + 1}: localparams that count 0, 1: an enum\n"
                   for path, text in ((path, bare(text)) for path, text in files.items())
                   for match in NUMBERED_PAIR.finditer(text) if match[1] == match[2])
