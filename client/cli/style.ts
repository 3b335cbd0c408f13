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
