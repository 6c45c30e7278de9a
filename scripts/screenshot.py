#!/usr/bin/env python3
"""Runs a terminal program, types keys, and draws its screen as an SVG.

    python3 -m pip install pyte
    python3 scripts/screenshot.py --size 120x36 --out docs/live.svg \\
        --keys 'until:reward wait:20 Space wait:1' -- target/release/aha-lab run --seed 7

KEYS are separated by spaces:
    a / ?                 the character itself; several together (check) are typed one after the other
    Space Enter Tab BackTab Esc Backspace Up Down Left Right Home End PageUp PageDown F1 ... F12
    Ctrl-c                with the control key
    wait:2.5              seconds
    until:TEXT            until TEXT stands on the screen, _ meaning a space (fails after --timeout seconds)
    shot:FILE.svg         a picture of the screen as it is now
Quote a word that would mean one of these: text:Enter types five letters.

The terminal has 24-bit colours. Box drawing, blocks and braille are drawn as shapes and everything else as
text in fixed columns, so that the picture does not depend on the fonts of whoever looks at it.
"""

import argparse
import errno
import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from xml.sax.saxutils import escape

import pyte

CELL_WIDTH, CELL_HEIGHT, FONT_SIZE, PADDING, TITLE_HEIGHT = 8.4, 18.0, 14.0, 12.0, 28.0
BASELINE = 13.6
FONTS = (
    "ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"
)
ANSI_NAMES = ["black", "red", "green", "brown", "blue", "magenta", "cyan", "white"]
THEMES = {
    "dark": {
        "background": "16181d",
        "foreground": "d7dae0",
        "colours": "282c34 e06c75 98c379 e5c07b 61afef c678dd 56b6c2 c8ccd4".split(),
        "bright": "6b7280 ff7b86 b5e890 ffd68a 7cc4ff dd8ff2 6fd3df ffffff".split(),
    },
    "light": {
        "background": "fafafa",
        "foreground": "2b2d33",
        "colours": "2b2d33 c4283b 3f8a2e 9a6a00 2563c9 97249b 0b7c8a c4c7cc".split(),
        "bright": "71757e e0364b 4fa33c b98208 3b7de8 b03cb4 1698a8 ffffff".split(),
    },
}
KEYS = {
    "Space": " ", "Enter": "\r", "Tab": "\t", "BackTab": "\x1b[Z", "Esc": "\x1b", "Backspace": "\x7f",
    "Up": "\x1b[A", "Down": "\x1b[B", "Right": "\x1b[C", "Left": "\x1b[D", "Home": "\x1b[H", "End": "\x1b[F",
    "PageUp": "\x1b[5~", "PageDown": "\x1b[6~", "F1": "\x1bOP", "F2": "\x1bOQ", "F3": "\x1bOR", "F4": "\x1bOS",
    "F5": "\x1b[15~", "F6": "\x1b[17~", "F7": "\x1b[18~", "F8": "\x1b[19~", "F9": "\x1b[20~", "F10": "\x1b[21~",
    "F11": "\x1b[23~", "F12": "\x1b[24~",
}  # fmt: skip


class Screen(pyte.Screen):
    """pyte's screen plus faint text, which it does not know; its `blink` flag stands for faint here."""

    def select_graphic_rendition(self, *attributes, private=False):
        if private:
            return
        kept, rest = [], list(attributes or [0])
        while rest:
            code = rest.pop(0)
            if code in (38, 48, 58) and rest:
                length = {5: 2, 2: 4}.get(rest[0], 1)
                operands, rest = rest[:length], rest[length:]
                if code != 58:  # the colour of an underline is not drawn
                    kept += [code, *operands]
            elif code == 2:
                kept.append(5)
            elif code == 22:
                kept += [22, 25]
            elif code not in (5, 6, 25, 59):
                kept.append(code)
        if kept:
            super().select_graphic_rendition(*kept)


class Terminal:
    """A program in a pseudo-terminal and the screen it has drawn."""

    def __init__(self, command, columns, rows, environment):
        self.screen = Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.pending = b""
        self.child, self.master = pty.fork()
        if self.child == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            try:
                os.execvpe(command[0], command, environment)
            except OSError as error:
                os.write(2, f"{command[0]}: {error.strerror}\r\n".encode())
                os._exit(127)
        # Programs ask the terminal where the cursor is and what it can do.
        self.screen.write_process_input = lambda reply: os.write(self.master, reply.encode())
        self.open = True

    def run(self, seconds, until=None):
        """Lets the program draw for so long, or until a text is on the screen; says whether it is."""
        end = time.monotonic() + seconds
        while True:
            if until is not None and any(until in line for line in self.screen.display):
                return True
            left = end - time.monotonic()
            if left <= 0:
                return False
            if not self.open:
                time.sleep(min(left, 0.05))
                if until is not None:
                    return False
                continue
            if select.select([self.master], [], [], min(left, 0.1))[0]:
                try:
                    data = os.read(self.master, 65536)
                except OSError as error:
                    if error.errno != errno.EIO:
                        raise
                    data = b""
                self.open = bool(data)
                self.feed(data)

    def feed(self, data):
        data = self.pending + data
        # A sequence may be cut in two by the read.
        cut = data.rfind(b"\x1b")
        complete = cut < 0 or re.match(rb"\x1b(\[[0-?]*[ -/]*[@-~]|[^\[\]P]|\][^\x07\x1b]*(\x07|\x1b\\))", data[cut:])
        if not complete and self.open and len(data) - cut < 4096:
            data, self.pending = data[:cut], data[cut:]
        else:
            self.pending = b""
        # Sequences that pyte would misread: keyboard protocols, device control, colons in colours.
        data = re.sub(rb"\x1b\[[<=>][0-?]*[ -/]*[@-~]", b"", data)
        data = re.sub(rb"\x1bP.*?\x1b\\", b"", data, flags=re.S)
        data = re.sub(rb"\x1b\[([0-9;:]*:[0-9;:]*)m", plain_rendition, data)
        self.stream.feed(data)

    def type(self, text):
        if self.open:
            os.write(self.master, text.encode())

    def close(self):
        """Ends the program: it is asked first."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.kill(self.child, number)
            except ProcessLookupError:
                return
            for _ in range(30):
                if os.waitpid(self.child, os.WNOHANG)[0]:
                    return
                self.run(0.1)


def plain_rendition(match):
    """`4:3` and `38:2::1:2:3` as `4` and `38;2;1;2;3`."""
    plain = []
    for part in match[1].split(b";"):
        numbers = part.split(b":")
        if numbers[0] in (b"38", b"48", b"58"):
            plain += [n for n in numbers if n] if numbers[1:2] != [b"2"] else numbers[:2] + [n or b"0" for n in numbers[-3:]]
        else:
            plain.append(b"24" if numbers == [b"4", b"0"] else numbers[0])
    return b"\x1b[" + b";".join(plain) + b"m"


def mix(colour, other, share):
    """`share` of the first colour, the rest of the other."""
    parts = [(int(colour[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (0, 2, 4)]
    return "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in parts)


def number(value):
    return f"{value:.2f}".rstrip("0").rstrip(".")


def box_arms(char):
    """The weights of a box-drawing character's arms, left, right, up, down; None for any other character."""
    light = {"─": "lr", "│": "ud", "┌": "rd", "┐": "ld", "└": "ru", "┘": "lu", "├": "rud", "┤": "lud", "┬": "lrd",
             "┴": "lru", "┼": "lrud", "╴": "l", "╶": "r", "╵": "u", "╷": "d"}  # fmt: skip
    heavy = {"━": "lr", "┃": "ud", "┏": "rd", "┓": "ld", "┗": "ru", "┛": "lu", "┣": "rud", "┫": "lud", "┳": "lrd",
             "┻": "lru", "╋": "lrud", "╸": "l", "╺": "r", "╹": "u", "╻": "d"}  # fmt: skip
    for table, weight in ((light, 1.2), (heavy, 2.4)):
        if char in table:
            return [weight if arm in table[char] else 0 for arm in "lrud"]
    return None


def shape(char, x, y):
    """SVG (without colour) that draws a graphic character in its cell, or None."""
    w, h = CELL_WIDTH, CELL_HEIGHT
    mid_x, mid_y = x + w / 2, y + h / 2

    def block(left, top, right, bottom, opacity=None):
        extra = "" if opacity is None else f' opacity="{opacity}"'
        return (
            f'<rect x="{number(x + w * left)}" y="{number(y + h * top)}" width="{number(w * (right - left))}" '
            f'height="{number(h * (bottom - top))}"{extra}/>'
        )

    code = ord(char[0])
    if 0x2800 <= code <= 0x28FF:
        places = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)]
        size = 1.9
        dots = ""
        for bit, (column, row) in enumerate(places):
            if (code - 0x2800) >> bit & 1:
                left, top = x + w * (column + 0.5) / 2 - size / 2, y + h * (row + 0.5) / 4 - size / 2
                dots += f"M{number(left)} {number(top)}h{size}v{size}h-{size}z"
        return f'<path d="{dots}"/>' if dots else ""
    if 0x2581 <= code <= 0x2588:
        return block(0, 1 - (code - 0x2580) / 8, 1, 1)
    if 0x2589 <= code <= 0x258F:
        return block(0, 0, (0x2590 - code) / 8, 1)
    blocks = {"▀": (0, 0, 1, 0.5), "▐": (0.5, 0, 1, 1), "▔": (0, 0, 1, 0.125), "▕": (0.875, 0, 1, 1),
              "▖": (0, 0.5, 0.5, 1), "▗": (0.5, 0.5, 1, 1), "▘": (0, 0, 0.5, 0.5), "▝": (0.5, 0, 1, 0.5),
              "░": (0, 0, 1, 1, 0.25), "▒": (0, 0, 1, 1, 0.5), "▓": (0, 0, 1, 1, 0.75),
              "■": (0.08, 0.3, 0.92, 0.7), "▮": (0.25, 0.18, 0.75, 0.82)}  # fmt: skip
    if char in blocks:
        return block(*blocks[char])
    corners = {"╭": (1, 1), "╮": (-1, 1), "╰": (1, -1), "╯": (-1, -1)}
    if char in corners:
        side, down = corners[char]
        radius = w / 2
        line = (
            f"M{number(mid_x)} {number(mid_y + down * h / 2)}V{number(mid_y + down * radius)}"
            f"Q{number(mid_x)} {number(mid_y)} {number(mid_x + side * w / 2)} {number(mid_y)}"
        )
        return f'<path d="{line}" class="l"/>'
    dashes = {"┄": "h", "┈": "h", "╌": "h", "┆": "v", "┊": "v", "╎": "v"}
    if char in dashes:
        if dashes[char] == "h":
            parts = [f"M{number(x + w * (i + 0.2) / 3)} {number(mid_y)}h{number(w / 5)}" for i in range(3)]
        else:
            parts = [f"M{number(mid_x)} {number(y + h * (i + 0.2) / 3)}v{number(h / 5)}" for i in range(3)]
        return f'<path d="{"".join(parts)}" class="l"/>'
    arms = box_arms(char)
    if arms:
        drawn = ""
        ends = [(x, mid_y), (x + w, mid_y), (mid_x, y), (mid_x, y + h)]
        for weight, end in zip(arms, ends):
            if weight:
                drawn += f"M{number(mid_x)} {number(mid_y)}L{number(end[0])} {number(end[1])}"
        kind = "l" if max(arms) < 2 else "l b"
        return f'<path d="{drawn}" class="{kind}"/>'
    if char in "═║╔╗╚╝╠╣╦╩╬":
        return double_lines(char, x, y)
    return None


def double_lines(char, x, y):
    """Double lines as two thin ones each; the junctions overlap, which at this size reads well."""
    w, h, gap = CELL_WIDTH, CELL_HEIGHT, 1.6
    mid_x, mid_y = x + w / 2, y + h / 2
    arms = {"═": "lr", "║": "ud", "╔": "rd", "╗": "ld", "╚": "ru", "╝": "lu", "╠": "rud", "╣": "lud", "╦": "lrd",
            "╩": "lru", "╬": "lrud"}[char]  # fmt: skip
    drawn = ""
    for offset in (-gap, gap):
        left, right = (x if "l" in arms else mid_x - gap), (x + w if "r" in arms else mid_x + gap)
        top, bottom = (y if "u" in arms else mid_y - gap), (y + h if "d" in arms else mid_y + gap)
        if set(arms) & set("lr"):
            drawn += f"M{number(left)} {number(mid_y + offset)}H{number(right)}"
        if set(arms) & set("ud"):
            drawn += f"M{number(mid_x + offset)} {number(top)}V{number(bottom)}"
    return f'<path d="{drawn}" class="l"/>'


class Picture:
    """Draws a screen as SVG."""

    def __init__(self, screen, theme, title):
        self.screen, self.theme, self.title = screen, THEMES[theme], title
        self.top = PADDING + (TITLE_HEIGHT if title else 0)

    def colour(self, name, bold_default):
        if name == "default":
            return bold_default
        name = name.replace("bfight", "bright")  # pyte spells one of its names so
        plain = name.removeprefix("bright")
        if plain in ANSI_NAMES or plain == "yellow":
            index = 3 if plain == "yellow" else ANSI_NAMES.index(plain)
            return self.theme["bright" if name.startswith("bright") else "colours"][index]
        return name.lower()

    def style(self, cell):
        """Foreground, background (None for the screen's own), and the rest that makes a run one run."""
        fore = self.colour(cell.fg, self.theme["foreground"])
        back = self.colour(cell.bg, self.theme["background"])
        if cell.reverse:
            fore, back = back, fore
        if cell.blink:
            fore = mix(fore, back, 0.55)
        shown = None if back == self.theme["background"] else back
        return fore, shown, (cell.bold, cell.italics, cell.underscore, cell.strikethrough)

    def row(self, line):
        cells = [self.screen.buffer[line][column] for column in range(self.screen.columns)]
        y = self.top + line * CELL_HEIGHT
        place = lambda column: PADDING + column * CELL_WIDTH
        backs, shapes, texts = [], [], []
        run = None  # [first column, next column, text, foreground, flags]

        def close_text():
            nonlocal run
            if run and run[2].strip():
                texts.append(self.text(run, y))
            run = None

        back_run = None
        for column, cell in enumerate([*cells, None]):
            back = self.style(cell)[1] if cell is not None else None
            if back_run and back_run[1] != back:
                left, colour = back_run
                backs.append(
                    f'<rect x="{number(place(left))}" y="{number(y)}" width="{number((column - left) * CELL_WIDTH)}" '
                    f'height="{number(CELL_HEIGHT)}" fill="#{colour}"/>'
                )
                back_run = None
            if back and not back_run:
                back_run = (column, back)

        for column, cell in enumerate(cells):
            if cell.data == "":  # the second half of a wide character
                continue
            fore, _, flags = self.style(cell)
            wide = 2 if column + 1 < len(cells) and cells[column + 1].data == "" else 1
            drawn = shape(cell.data, place(column), y) if cell.data != " " else None
            if drawn is not None:
                close_text()
                shapes.append((fore, drawn))
            elif cell.data == " " and not (run and run[4] == flags and run[3] == fore):
                close_text()
                if flags[2] or flags[3]:
                    run = [column, column + 1, " \u200b", fore, flags]
            elif ord(cell.data[0]) > 0xFF or wide == 2:
                # Its font may have another width: alone in the middle of its cell it disturbs no other.
                close_text()
                texts.append(self.text([column, column + wide, cell.data, fore, flags], y, centred=True))
            elif run and run[3] == fore and run[4] == flags:
                run[1], run[2] = column + 1, run[2] + cell.data
            else:
                close_text()
                run = [column, column + 1, cell.data, fore, flags]
        close_text()
        return backs, shapes, texts

    def text(self, run, y, centred=False):
        left, right, text, fore, (bold, italics, underscore, strikethrough) = run
        if not (underscore or strikethrough):
            right -= len(text) - len(text.rstrip(" "))
            text = text.rstrip(" ")
        width = (right - left) * CELL_WIDTH
        x = PADDING + left * CELL_WIDTH
        attributes = f'y="{number(y + BASELINE)}" fill="#{fore}"'
        if centred:
            attributes = f'x="{number(x + width / 2)}" text-anchor="middle" ' + attributes
        else:
            attributes = f'x="{number(x)}" ' + attributes
            if len(text) > 1:
                attributes += f' textLength="{number(width)}"'
        if bold:
            attributes += ' font-weight="700"'
        if italics:
            attributes += ' font-style="italic"'
        lines = [name for name, on in (("underline", underscore), ("line-through", strikethrough)) if on]
        if lines:
            attributes += f' text-decoration="{" ".join(lines)}"'
        return f"<text {attributes}>{escape(text)}</text>"

    def svg(self):
        width = 2 * PADDING + self.screen.columns * CELL_WIDTH
        height = self.top + PADDING + self.screen.lines * CELL_HEIGHT
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {number(width)} {number(height)}" '
            f'width="{number(width)}" height="{number(height)}" font-family="{FONTS}" '
            f'font-size="{number(FONT_SIZE)}" xml:space="preserve">',
            "<style>text{white-space:pre;font-variant-ligatures:none}"
            ".l{fill:none;stroke:currentColor;stroke-width:1.2}.b{stroke-width:2.4}"
            "rect{shape-rendering:crispEdges}.w{shape-rendering:auto}</style>",
            f'<rect class="w" width="{number(width)}" height="{number(height)}" rx="9" fill="#{self.theme["background"]}"/>',
        ]
        if self.title:
            for i, colour in enumerate(["ff5f57", "febc2e", "28c840"]):
                parts.append(f'<circle cx="{20 + 19 * i}" cy="20" r="5.5" fill="#{colour}"/>')
            fore = mix(self.theme["foreground"], self.theme["background"], 0.6)
            parts.append(
                f'<text x="{number(width / 2)}" y="24.5" text-anchor="middle" fill="#{fore}">{escape(self.title)}</text>'
            )
        backs, shapes, texts = [], {}, []
        for line in range(self.screen.lines):
            row_backs, row_shapes, row_texts = self.row(line)
            backs += row_backs
            texts += row_texts
            for colour, drawn in row_shapes:
                shapes.setdefault(colour, []).append(drawn)
        parts += backs
        for colour, drawn in shapes.items():
            parts.append(f'<g fill="#{colour}" color="#{colour}">{"".join(joined(drawn))}</g>')
        parts += texts
        return "\n".join([*parts, "</svg>"]) + "\n"


def joined(drawn):
    """Paths of one class as one path, which halves the file."""
    paths, others = {}, []
    for piece in drawn:
        match = re.fullmatch(r'<path d="([^"]*)"( class="[^"]*")?/>', piece)
        if match:
            paths.setdefault(match[2] or "", []).append(match[1])
        else:
            others.append(piece)
    return others + [f'<path d="{"".join(lines)}"{kind}/>' for kind, lines in paths.items()]


def press(terminal, keys, options, shoot):
    """Types the keys; each is given time to show."""
    for key in keys.split():
        kind, _, argument = key.partition(":")
        if kind == "wait" and argument:
            terminal.run(float(argument))
        elif kind == "until" and argument:
            text = argument.replace("_", " ")
            if not terminal.run(options.timeout, until=text):
                shown = "\n".join(line.rstrip() for line in terminal.screen.display).rstrip()
                sys.exit(f"`{text}` did not appear within {options.timeout} seconds. The screen is:\n{shown}")
        elif kind == "shot" and argument:
            shoot(argument)
        else:
            typed = argument if kind == "text" and argument else key
            if key in KEYS:
                typed = KEYS[key]
            elif re.fullmatch(r"Ctrl-[a-z]", key):
                typed = chr(ord(key[-1]) & 0x1F)
            # Whole escape sequences must arrive at once, letters one by one.
            for piece in [typed] if typed.startswith("\x1b") else typed:
                terminal.type(piece)
                terminal.run(0.05)
    terminal.run(options.settle)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="120x36", metavar="COLUMNSxROWS")
    parser.add_argument("--out", metavar="FILE.svg", help="where the last screen goes")
    parser.add_argument("--keys", default="wait:1")
    parser.add_argument("--theme", choices=THEMES, default="dark")
    parser.add_argument("--title", help="text of a title bar; without it there is none")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds that until: waits")
    parser.add_argument("--settle", type=float, default=0.5, help="seconds before the last picture")
    parser.add_argument("--text", action="store_true", help="print the last screen as text, too")
    parser.add_argument("command", nargs="+", help="the program and its arguments, after --")
    options = parser.parse_args()
    size = re.fullmatch(r"(\d+)x(\d+)", options.size)
    if not size or not all(0 < int(part) < 1000 for part in size.groups()):
        parser.error(f"--size is COLUMNSxROWS, such as 120x36, not {options.size}")

    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
    environment.update(AHA_REMEMBER="0", TERM="xterm-256color", COLORTERM="truecolor", LANG="C.UTF-8", LC_ALL="C.UTF-8")
    environment.update(pair.partition("=")[::2] for pair in options.env)
    terminal = Terminal(options.command, int(size[1]), int(size[2]), environment)

    def shoot(file):
        path = pathlib.Path(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(Picture(terminal.screen, options.theme, options.title).svg(), encoding="utf-8")
        print(f"{path}: {path.stat().st_size} bytes", file=sys.stderr)

    try:
        press(terminal, options.keys, options, shoot)
        if options.out:
            shoot(options.out)
        if options.text:
            print("\n".join(line.rstrip() for line in terminal.screen.display))
    finally:
        terminal.close()


if __name__ == "__main__":
    main()
