import type { Result, Results } from '../results.js';
import { micros } from './format.js';

/** Lengths in the units of the picture. */
const WIDTH = 790;
const LABEL_WIDTH = 290;
const BAR_WIDTH = 360;
const LINE = 22;
const BAR = 13;
const TITLE = 34;
const MARGIN = 16;
const LEGEND = 46;

/** How much longer than its longest bar a scenario is: the rounds differ, and an outlier is cut off there. */
const ROOM = 1.2;

/** The picture is seen on light and on dark pages alike. */
const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 }
  .open { fill: #8c959f }
  .ours { fill: #1a7f37 }
  .theirs { fill: #bc4c00 }
  .range { stroke: #1f2328; stroke-width: 1 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .open { fill: #6e7681 }
    .ours { fill: #3fb950 }
    .theirs { fill: #f0883e }
    .range { stroke: #e6edf3 }
  }`;

/** Draws the CPU of a request in each scenario, as SVG: the open route’s, and what protection adds. */
export function pictureOf({ scenarios, results }: Results): string {
  let y = MARGIN + LEGEND;
  const parts = scenarios.flatMap(({ name, title, axis }) => {
    if (axis !== undefined) return [];
    const bars = results.filter((result) => result.scenario === name);
    const drawn = drawScenario(title, bars, y);
    y += TITLE + bars.length * LINE;
    return drawn;
  });
  const height = y + MARGIN;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    '<title>Server CPU per request, with and without protection</title>',
    `<style>${STYLE}\n</style>`,
    ...legend(),
    ...parts,
    '</svg>',
  ].join('\n')}\n`;
}

function legend(): readonly string[] {
  const entries = [
    { kind: 'open', text: 'the open route' },
    { kind: 'ours', text: 'added by this library' },
    { kind: 'theirs', text: 'added by others; verification alone' },
  ];
  return [
    text(MARGIN, MARGIN + 10, 'Server CPU per request, µs: median, and least to greatest round', 'title'),
    ...entries.flatMap(({ kind, text: label }, index) => [
      bar(MARGIN + index * 190, MARGIN + 20, 12, kind),
      text(MARGIN + index * 190 + 18, MARGIN + 31, label),
    ]),
  ];
}

function drawScenario(title: string, bars: readonly Result[], top: number): readonly string[] {
  const scale = BAR_WIDTH / (Math.max(...bars.map(({ cpuMicros }) => cpuMicros.median)) * ROOM);
  return [
    text(MARGIN, top + TITLE - 12, title, 'title'),
    ...bars.flatMap((result, index) => drawBar(result, bars, scale, top + TITLE + index * LINE)),
  ];
}

function drawBar(result: Result, all: readonly Result[], scale: number, y: number): readonly string[] {
  const { label, cpuMicros, beside } = result;
  const open = all.find(({ id }) => id === beside?.id);
  const whole = cpuMicros.median * scale;
  const bare = open === undefined ? whole : Math.min(open.cpuMicros.median * scale, whole);
  const from = LABEL_WIDTH + cpuMicros.min * scale;
  const to = LABEL_WIDTH + Math.min(cpuMicros.max * scale, BAR_WIDTH);
  const added = beside === undefined ? '' : ` (+${micros(beside.addedMicros.median)})`.replace('+-', '−');
  return [
    text(MARGIN, y + BAR - 2, label),
    bar(LABEL_WIDTH, y, bare, open === undefined ? kindOf(result) : 'open'),
    ...(open === undefined ? [] : [bar(LABEL_WIDTH + bare, y, whole - bare, kindOf(result))]),
    `<path class="range" d="M${from.toFixed(1)} ${y + BAR / 2}H${to.toFixed(1)}"/>`,
    text(to + 6, y + BAR - 2, `${micros(cpuMicros.median)}${added}`),
  ];
}

function kindOf({ id }: Result): string {
  if (id.endsWith('-open')) return 'open';
  return id.endsWith('-library') ? 'ours' : 'theirs';
}

function bar(x: number, y: number, width: number, kind: string): string {
  return `<rect class="${kind}" x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${BAR}"/>`;
}

function text(x: number, y: number, content: string, kind?: string): string {
  const attribute = kind === undefined ? '' : ` class="${kind}"`;
  return `<text${attribute} x="${x.toFixed(1)}" y="${y}">${escape(content)}</text>`;
}

function escape(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
