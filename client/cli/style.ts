import { styleText } from 'node:util';

type Colour = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** Text in colour, or as it is. */
export type Style = (colour: Colour, text: string) => string;

export const plain: Style = (_colour, text) => text;

/** `validateStream` off: whether to colour at all is decided once, by `styleFor`. */
const coloured: Style = (colour, text) => styleText(colour, text, { validateStream: false });

/** Colour on a terminal only, and never against the reader's wish (no-color.org). */
export function styleFor(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv): Style {
  return stream.isTTY && !env.NO_COLOR && env.TERM !== 'dumb' ? coloured : plain;
}

/** A line of a diff in the colour of its sign. */
export function diffLine(line: string, style: Style): string {
  const colour = { '+': 'green', '-': 'red', '~': 'yellow' } as const;
  const sign = line[0];
  return sign === '+' || sign === '-' || sign === '~' ? style(colour[sign], line) : line;
}
