"""Draws docs/watch.svg: `lifeboat watch` on a terminal, following a switchover of the simulated world.

`watch_picture.py LIFEBOAT FILE [COLUMNS [SECONDS]]`, LIFEBOAT built with the features aws and simulate. The world is in real
time; the picture is what stands on the terminal SECONDS after the start.
"""

import fcntl
import html
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

import pyte

ROWS = 40
CELL = (8.4, 18)  # of a 14 px monospaced font
COLOURS = {"default": "#d4d4d4", "black": "#666666", "red": "#f48771", "green": "#89d185", "brown": "#e5c07b", "yellow": "#e5c07b",
           "blue": "#6cb6ff", "magenta": "#d2a8ff", "cyan": "#56d4dd", "white": "#ffffff"}


def main():
    lifeboat, file = sys.argv[1:3]
    columns, seconds = (int(n) for n in (sys.argv[3:5] + ["100", "45"][len(sys.argv) - 3:]))
    world = subprocess.Popen([lifeboat, "simulate", "--port", "0", "--json"], stdout=subprocess.PIPE, text=True)
    try:
        environment = json.loads(world.stdout.readline())["environment"]
        environment = {"PATH": os.environ["PATH"], "USER": "on-call", "TERM": "xterm-256color"} | environment
        start = [lifeboat, "start", "retail-store", "--target", environment["AWS_REGION"], "--mode", "switchover", "--yes"]
        subprocess.run(start, env=environment, check=True, stdout=subprocess.DEVNULL)
        screen = followed([lifeboat, "watch", "retail-store"], environment, columns, seconds)
    finally:
        world.terminate()
        world.wait()
    with open(file, "w", encoding="utf-8") as out:
        out.write(drawn(screen))


def followed(command, environment, columns, seconds):
    """The terminal after `seconds` of `command`."""
    screen = pyte.Screen(columns, ROWS)
    stream = pyte.ByteStream(screen)
    child, terminal = pty.fork()
    if child == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
        os.execve(command[0], command, environment)
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0:
        if select.select([terminal], [], [], left)[0]:
            try:
                stream.feed(os.read(terminal, 65536))
            except OSError:  # it has ended
                break
    os.close(terminal)
    os.waitpid(child, 0)
    return screen


def drawn(screen):
    lines = [screen.buffer[row] for row in range(ROWS)]
    while lines and not any(lines[-1][column].data.strip() for column in range(screen.columns)):
        lines.pop()
    width, height = screen.columns * CELL[0] + 24, len(lines) * CELL[1] + 24
    svg = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" font-family="ui-monospace, Menlo, '
           f'Consolas, \'DejaVu Sans Mono\', monospace" font-size="14">',
           '<title>lifeboat watch, following a switchover</title>',
           f'<rect width="{width:.0f}" height="{height}" rx="6" fill="#1e1e1e"/>']
    for row, line in enumerate(lines):
        for column, text, cell in runs(line, screen.columns):
            weight = ' font-weight="bold"' if cell.bold else ""
            svg.append(f'<text x="{12 + column * CELL[0]:.1f}" y="{12 + (row + 0.75) * CELL[1]:.1f}" '
                       f'textLength="{len(text) * CELL[0]:.1f}" fill="{colour(cell.fg)}"{weight}>{html.escape(text)}</text>')
    return "\n".join(svg + ["</svg>\n"])


def runs(line, columns):
    """The stretches of a line that look alike, with where each begins."""
    column = 0
    while column < columns:
        first, begin = line[column], column
        while column < columns and (line[column].fg, line[column].bold) == (first.fg, first.bold):
            column += 1
        text = "".join(line[n].data for n in range(begin, column))
        # SVG makes one space of several, so what is between two of them stands alone.
        for part in re.finditer(r"\S+(?: \S+)*", text):
            yield begin + part.start(), part[0], first


def colour(name):
    return COLOURS.get(name) or (f"#{name}" if len(name) == 6 else COLOURS["default"])


if __name__ == "__main__":
    main()
