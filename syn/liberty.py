# SPDX-License-Identifier: Apache-2.0
"""The Liberty format: groups, attributes and functions of a text, with the lines in which they stand.

No Debian package parses Liberty in Python, and the flow needs few of its statements. Known statements are read strictly,
and every error names the user's file and line.
"""

import functools
import gzip
import itertools
import re
import zlib
from bisect import bisect_right

# Groups that say nothing of function, area or delay; they are half of a library's text.
SKIPPED = re.compile(r'\w*power\w*|pg_pin|test_cell|normalized_driver_waveform|receiver_capacitance\w*|output_current_\w+|'
                     r'ccsn?_\w+|ocv_\w+|pg_current|electromigration|noise_\w+|steady_state_current_\w+|propagated_noise_\w+')
_STRING = r'"(?:[^"\\]++|\\.)*+"'
_SPACE = re.compile(r'(?:[\s;\\]++|/\*.*?\*/|//[^\n]*+)*+', re.S)
_NAME = re.compile(r'([\w.$\[\]-]+)\s*([:=(])')
_VALUE = re.compile(rf'[\s\\]*+({_STRING}|(?:\\\s*\n|[^;\n{{}}"])*)', re.S)
_COMMENT = re.compile(rf'({_STRING})|/\*.*?\*/', re.S)
_ARGUMENTS = re.compile(rf'((?:/\*.*?\*/|[^()"{{}}/]++|/|{_STRING}|\([^()]*+\))*+)\)', re.S)
_OPEN = re.compile(r'(?:[\s\\]++|/\*.*?\*/|//[^\n]*+)*+\{', re.S)
_BRACE = re.compile(rf'{_STRING}|/\*.*?\*/|[{{}}]', re.S)


class LibraryError(Exception):
    """The library cannot be used; the text is one sentence for the user."""


class Source:
    """A Liberty file's text."""

    def __init__(self, path):
        self.path = str(path)
        try:
            opener = gzip.open if self.path.endswith('.gz') else open
            with opener(self.path, 'rt', encoding='latin-1') as file:
                self.text = file.read().removeprefix('\xef\xbb\xbf')
        except FileNotFoundError:
            raise LibraryError(f'library {self.path} does not exist') from None
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, 'strerror', None) or str(error)
            raise LibraryError(f'library {self.path} cannot be read: {reason}') from None

    @functools.cached_property
    def _line_starts(self):
        return [match.end() for match in re.finditer('\n', self.text)]

    def where(self, place):
        """FILE:LINE of a place in the text."""
        return f'{self.path}:{bisect_right(self._line_starts, place) + 1}'


class Group:
    """name(arguments) { attributes groups }. Attributes, `name : value` or `name (value)`, have the texts of their values;
    those of simple ones are without quotes; `repeated` has all values of the others."""

    __slots__ = ('kind', 'arguments', 'source', 'place', 'attributes', 'places', 'repeated', 'groups')

    def __init__(self, kind, arguments, source, place):
        self.kind, self.arguments, self.source, self.place = kind, arguments, source, place
        self.attributes, self.places, self.repeated, self.groups = {}, {}, {}, []

    @property
    def names(self):
        """The arguments, one by one, without quotes."""
        return [name.strip(' \t\r\n\\"') for name in self.arguments.split(',')]

    @property
    def name(self):
        return self.names[0]

    def all(self, kind):
        return [group for group in self.groups if group.kind == kind]

    def first(self, kind):
        return next((group for group in self.groups if group.kind == kind), None)

    def get(self, name, default=None):
        return self.attributes.get(name, default)

    def true(self, name):
        return self.get(name, '').lower() == 'true'

    def where(self, attribute=None):
        return self.source.where(self.places.get(attribute, self.place))

    def fail(self, sentence, attribute=None):
        """Refuses the library for this group, or for one of its attributes."""
        raise LibraryError(f'{self.where(attribute)}: {sentence}')


def parse(source):
    """The groups of a source, under a root group."""
    text = source.text
    stack = [Group('root', '', source, 0)]

    def fail(place, sentence):
        raise LibraryError(f'{source.where(place)}: {sentence}')

    place = _SPACE.match(text).end()
    while place < len(text):
        found = _NAME.match(text, place)
        if found is None:
            if text[place] != '}' or len(stack) == 1:
                fail(place, f'{text[place:place + 20].split(chr(10))[0]!r} is not Liberty')
            stack.pop()
            place += 1
        elif found[2] == '(':
            arguments = _ARGUMENTS.match(text, found.end())
            if arguments is None:
                fail(place, f'{found[1]} (... does not end')
            if found[1] == 'include_file':
                fail(place, 'include_file is not followed: put the text that it names in its place')
            values = _COMMENT.sub(r'\1 ', arguments[1]) if '/*' in arguments[1] else arguments[1]
            opened = _OPEN.match(text, arguments.end())
            if opened and SKIPPED.fullmatch(found[1]):
                end = _skip(text, opened.end())
                if end is None:
                    fail(place, f'group {found[1]} does not end')
                place = end
            elif opened:
                group = Group(found[1], values.strip(), source, place)
                stack[-1].groups.append(group)
                stack.append(group)
                place = opened.end()
            else:
                stack[-1].attributes[found[1]] = values
                stack[-1].repeated.setdefault(found[1], []).append(values)
                stack[-1].places[found[1]] = place
                place = arguments.end()
        else:
            value = _VALUE.match(text, found.end())
            stack[-1].attributes[found[1]] = re.sub(r'/\*.*?(\*/|$)|[\s\\]+', ' ', value[1]).strip(' "')
            stack[-1].places[found[1]] = place
            place = value.end()
            if value[1] == '' and text[place:place + 1] == '"':
                fail(place, f'the value of {found[1]} does not end')
        place = _SPACE.match(text, place).end()
    if len(stack) > 1:
        stack[-1].fail(f'{stack[-1].kind} ({stack[-1].arguments}) does not end, the file is not complete')
    return stack[0]


def _skip(text, place):
    """The place behind the group that has been opened."""
    depth = 1
    for brace in _BRACE.finditer(text, place):
        depth += {'{': 1, '}': -1}.get(brace[0], 0)
        if depth == 0:
            return brace.end()
    return None


class Function:
    """A Liberty function: ! ' ^ & * | + ( ) and juxtaposition for AND, in falling order of binding."""

    def __init__(self, text):
        """Raises ValueError if it is none."""
        self._tokens = re.findall(r"[A-Za-z_][\w\[\]]*|\S", text)
        self._place = 0
        self.tree = self._sum()
        if self._place < len(self._tokens):
            raise ValueError(f'{text!r} is no function')

    def names(self):
        return {token for token in self._tokens if re.match(r'[A-Za-z_]', token)}

    def value(self, values, everything=1):
        """Its bits, for the bits of each name; `everything` has all of them set."""
        def bits(tree):
            operator, *items = tree
            if operator == 'name':
                return values[items[0]]
            if operator == '!':
                return everything & ~bits(items[0])
            if operator in '01':
                return everything if operator == '1' else 0
            first, second = map(bits, items)
            return {'&': first & second, '|': first | second, '^': first ^ second}[operator]
        return bits(self.tree)

    def __str__(self):
        def text(tree):
            operator, *items = tree
            if operator == 'name':
                return items[0]
            if operator == '!':
                return '!' + text(items[0])
            return f'({f" {operator} ".join(map(text, items))})' if items else operator
        return text(self.tree)

    def _peek(self):
        return self._tokens[self._place] if self._place < len(self._tokens) else ''

    def _take(self):
        self._place += 1
        return self._tokens[self._place - 1]

    def _sum(self):
        tree = self._product()
        while self._peek() in ('|', '+'):
            self._take()
            tree = '|', tree, self._product()
        return tree

    def _product(self):
        tree = self._exclusive()
        while self._peek() not in ('', ')', '|', '+'):
            if self._peek() in ('&', '*'):
                self._take()
            tree = '&', tree, self._exclusive()
        return tree

    def _exclusive(self):
        tree = self._atom()
        while self._peek() == '^':
            self._take()
            tree = '^', tree, self._atom()
        return tree

    def _atom(self):
        token = self._peek()
        if token in ('0', '1'):
            tree = (self._take(),)
        elif re.match(r'[A-Za-z_]', token):
            tree = 'name', self._take()
        elif token == '!':
            self._take()
            return '!', self._atom()
        elif token == '(':
            self._take()
            tree = self._sum()
            if self._peek() != ')':
                raise ValueError('a bracket does not end')
            self._take()
        else:
            raise ValueError(f'{token!r} is no operand')
        while self._peek() == "'":
            self._take()
            tree = '!', tree
        return tree


@functools.cache
def columns(names):
    """{name: bits} of a truth table's inputs, and all its bits set: row 0 is the lowest bit, the last name changes fastest."""
    rows = list(itertools.product((0, 1), repeat=len(names)))
    return ({name: sum(row[i] << number for number, row in enumerate(rows)) for i, name in enumerate(names)},
            (1 << len(rows)) - 1)
