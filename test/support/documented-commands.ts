import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKOUT } from './command-line.ts';

export interface DocumentedCommand {
  /** Where a reader finds it. */
  source: string;
  /** As the shell would split it, without `npx` and without what follows a comment, a pipe or a redirection. */
  words: string[];
}

/** Every command line that the documents, the examples and the program's own messages tell a reader to type. */
export function documentedCommands(): DocumentedCommand[] {
  const files = (pattern: string) => globSync(pattern, { cwd: CHECKOUT }).sort();
  const found = [
    ...['README.md', ...files('docs/**/*.md')].flatMap((file) =>
      inMarkdown(read(file)).map((text) => ({ source: file, text })),
    ),
    ...files('examples/*.yaml').flatMap((file) =>
      matches(read(file), /^#\s+(resilience-ctl .*)$/gm).map((text) => ({ source: file, text })),
    ),
    ...files('{client,infra/keys,activities,workflows,domain}/**/*.ts').flatMap((file) =>
      matches(read(file), /\\?`(resilience-ctl [^`\\]+)\\?`/g).map((text) => ({ source: file, text })),
    ),
  ];
  return found.flatMap(({ source, text }) => {
    const words = wordsOf(text);
    return words.length < 2 ? [] : [{ source, words }];
  });
}

function read(file: string): string {
  return readFileSync(join(CHECKOUT, file), 'utf8');
}

/** Fenced lines and spans of code; a span may go over the end of a line. */
function inMarkdown(text: string): string[] {
  const fences = matches(text, /^```[a-z]*\n([\s\S]*?)^```/gm).flatMap((block) => block.split('\n'));
  const spans = matches(text.replace(/^```[\s\S]*?^```/gm, ''), /`([^`]+)`/g);
  return [...fences, ...spans]
    .map((line) => line.replace(/\s+/g, ' ').trim())
    .flatMap((line) => line.split(' && '))
    .map((line) => line.replace(/^npx /, ''))
    .filter((line) => /^(resilience-ctl|npm run|npm test|npm start) ?/.test(line));
}

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1] ?? '');
}

function wordsOf(text: string): string[] {
  const command = text
    .replace(/\$\{[^}]*\}/g, 'chg-0')
    // A comment, a remark in the next column, what the shell does with the output.
    .replace(/\s+(#|\||>|ends with ).*$/, '');
  // Whoever writes in the place of TEXT writes more.
  return matches(command, /("[^"]*"|\S+)/g).map((word) =>
    word === 'TEXT' ? 'in words of their own' : word.replace(/^"(.*)"$/, '$1'),
  );
}
