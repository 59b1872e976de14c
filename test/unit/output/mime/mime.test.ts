import { readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { readHtmlTable } from '../../../../src/output/mime/html-table.ts';
import { htmlAsText } from '../../../../src/output/mime/html-text.ts';
import { rasteriseSvg } from '../../../../src/output/mime/rasterise-svg.ts';
import { readBundle } from '../../../../src/output/mime/read-bundle.ts';
import { splitTextTables } from '../../../../src/output/mime/spark-tables.ts';
import { runWithoutDescriptors } from '../../../support/without-descriptors.ts';

const fixtures = new URL('../../../fixtures/outputs/shown/', import.meta.url);
const recorded = z.object({
  outputs: z.array(
    z.object({
      kind: z.string(),
      data: z.record(z.string(), z.unknown()).optional(),
      text: z.string().optional(),
    }),
  ),
});

function readFixture(name: string) {
  return recorded.parse(JSON.parse(readFileSync(new URL(`${name}.json`, fixtures), 'utf8'))).outputs;
}

/** Kind (and the beginning of the words) of all that a fixture's bundles are shown as. */
async function shown(name: string): Promise<string[]> {
  const bundles = readFixture(name).flatMap(({ data }) => (data === undefined ? [] : [readBundle(data)]));
  return (await Promise.all(bundles)).flat().map((each) => {
    if (each.kind === 'text') return `text: ${each.text.slice(0, 30)}`;
    if (each.kind === 'table')
      return `table: ${each.table.rows.length}/${each.table.totalRows} × ${each.table.columns.length}`;
    if (each.kind === 'file') return `file: ${each.filename}`;
    return each.kind === 'image' ? `image: ${each.mime}` : each.kind;
  });
}

test.each<[string, string[]]>([
  ['python-int', ['text: 42']],
  ['python-dataframe', ['table: 3/3 × 4']],
  ['python-dataframe-long', ['table: 11/500 × 3']],
  ['python-dataframe-multiindex', ['table: 2/2 × 5']],
  ['python-plot', ['image: image/png']],
  ['python-two-plots', ['image: image/png', 'image: image/png']],
  ['python-gif', ['image: image/gif']],
  ['python-svg', ['svg']],
  ['python-html', ['text: Report\n12 rows loaded & checke', 'file: output.html']],
  ['python-html-table', ['table: 1/1 × 2']],
  ['python-markdown', ['text: # Title\n\n* one\n* **two**']],
  ['python-javascript', []],
  ['python-plotly-like', ['file: plotly.html']],
  ['python-widget-like', ['text: IntSlider(value=3)']],
  ['r-number', ['text: [1] 2']],
  ['r-string', ['text: [1] "text <b>"']],
  ['r-dataframe', ['table: 3/3 × 12']],
  ['r-plot', ['image: image/png']],
  ['r-list', ['text: $a\n[1] 1\n\n$b\n[1] "x"\n']],
  ['scala-val', ['text: x = 3\n', 'text: 3']],
  ['scala-value', ['text: 5']],
  ['pyspark-eager', ['table: 3/3 × 3']],
  ['pyspark-count', ['text: 10']],
])('%s is shown as %j', async (name, forms) => {
  expect(await shown(name)).toEqual(forms);
});

test('every recorded bundle is shown, except scripts and what a kernel sends before each error', async () => {
  for (const file of readdirSync(fixtures).filter((name) => name !== 'python-javascript.json')) {
    for (const output of readFixture(file.replace('.json', ''))) {
      if (output.data !== undefined) expect(await readBundle(output.data), file).not.toEqual([]);
    }
  }
  for (const word of ['lastException = null\n', 'lastException = null'])
    expect(await readBundle({ 'text/plain': word })).toEqual([]);
  expect(await readBundle({ 'text/plain': 'lastException = null\nx = 3\n' })).toEqual([
    { kind: 'text', text: 'x = 3\n' },
  ]);
});

test('json is shown as json', async () => {
  expect(
    await readBundle({ 'application/json': { a: [1] }, 'text/plain': '<IPython.core.display.JSON object>' }),
  ).toEqual([{ kind: 'text', text: '{\n  "a": [\n    1\n  ]\n}' }]);
});

test('any other text is shown unchanged; a script is not', async () => {
  const csv = { 'text/csv': 'a,b\n1,2\n' };
  const asText = [{ kind: 'text', text: 'a,b\n1,2\n' }];
  expect(await readBundle(csv)).toEqual(asText);
  expect(await readBundle({ ...csv, 'text/plain': '<pkg.Frame object at 0x7f>' })).toEqual(asText);
  expect(await readBundle({ ...csv, 'text/plain': '1 row' })).toEqual([{ kind: 'text', text: '1 row' }]);
  expect(await readBundle({ 'text/javascript': 'alert(1)', 'text/plain': '<JS object>' })).toEqual([
    { kind: 'text', text: '<JS object>' },
  ]);
});

test('HTML that is only a picture is shown as one; with others in it, it is attached too', async () => {
  const png = Buffer.from('89504e470d0a1a0a00', 'hex');
  const img = `<img src="data:image/png;base64,${png.toString('base64')}" width=5>`;
  const plain = { 'text/plain': '<IPython.core.display.HTML object>' };
  const image = { kind: 'image', mime: 'image/png', bytes: png, alt: 'image' };
  expect(await readBundle({ ...plain, 'text/html': `<div>${img}</div>` })).toEqual([image]);
  expect(await readBundle({ ...plain, 'text/html': img + img })).toEqual([
    image,
    expect.objectContaining({ kind: 'file', filename: 'output.html' }),
  ]);
  const large = Buffer.concat([png, Buffer.alloc(1_000_000)]);
  const read = await readBundle({
    ...plain,
    'text/html': img.replace(png.toString('base64'), large.toString('base64')),
  });
  expect(read).toEqual([{ ...image, bytes: large }]);
  const captioned = await readBundle({ ...plain, 'text/html': `${img}<p>Sales</p>` });
  expect(captioned.map(({ kind }) => kind)).toEqual(['text', 'file']);
  const linked = await readBundle({ ...plain, 'text/html': `<a href="https://a.example">${img}</a>` });
  expect(linked.map(({ kind }) => kind)).toEqual(['image', 'file']);
  const none = `<img src="data:image/png;base64,aaaa">`;
  expect(await readBundle({ ...plain, 'text/html': none })).toEqual([
    expect.objectContaining({ kind: 'file', filename: 'output.html' }),
  ]);
});

test('a Plotly figure without a page is a page that draws it', async () => {
  const figure = { data: [{ y: [1, 2], name: '<!--<script></script>' }], layout: { title: { text: 'T' } } };
  const sent = { 'application/vnd.plotly.v1+json': figure };
  const [page, ...others] = await readBundle(sent);
  expect(page).toMatchObject({ kind: 'file', filename: 'plotly.html', mime: 'text/html' });
  expect(others).toEqual([]);
  const content = page?.kind === 'file' ? String(page.content) : '';
  const [, drawn = ''] = /Plotly\.newPlot\("chart", ([^]*?)\)<\/script>/.exec(content) ?? [];
  expect(JSON.parse(drawn)).toEqual(figure);
  expect(drawn).not.toContain('<');
});

test('a chart that a script draws with a picture in it is a file', async () => {
  const png = Buffer.from('89504e470d0a1a0a00', 'hex').toString('base64');
  const chart = `<div id="a"></div><script>Plotly.newPlot("a", [{"type": "image", "source": "data:image/png;base64,${png}"}])</script>`;
  const word = '<IPython.core.display.HTML object>';
  expect(await readBundle({ 'text/plain': word, 'text/html': chart })).toEqual([
    expect.objectContaining({ kind: 'file', filename: 'output.html', content: chart }),
  ]);
});

test.each(['<div id="a" data-root-id="p1"></div>', '<div class="b"><div data-root-id="p1"></div></div>'])(
  '%s with the script that draws in it is a file',
  async (place) => {
    const drawn = `${place}\n<script>Bokeh.embed.embed_items({}, [])</script>`;
    const word = { 'text/plain': '<IPython.core.display.HTML object>' };
    expect(await readBundle({ ...word, 'text/html': drawn })).toEqual([
      expect.objectContaining({ kind: 'file', filename: 'output.html', content: drawn }),
    ]);
  },
);

test('an empty element that a later script draws in is nothing', async () => {
  const plain = '<IPython.core.display.HTML object>';
  for (const [html, forms] of [
    ["<div id='ae97f869-a13e'></div>", []],
    ['<div id="a" data-root-id="p1" style="display: table;"></div>', []],
    ['<div id="a" style="background: red; height: 9px"></div>', ['file']],
  ] as const) {
    const read = await readBundle({ 'text/plain': plain, 'text/html': html });
    expect(read.map(({ kind }) => kind)).toEqual(forms);
  }
});

test('the end of a picture in HTML is found quickly, whatever comes before it', async () => {
  const begun = process.threadCpuUsage();
  const blank = 'A'.repeat(1_000_000);
  const html = `<img alt=${'A'.repeat(19_000)} src=data:image/png;base64,${blank}>`;
  expect(await readBundle({ 'text/html': html })).toMatchObject([{ kind: 'file', filename: 'output.html' }]);
  expect(process.threadCpuUsage(begun).user).toBeLessThan(700_000);
});

test('audio of an unknown type is a file named after it', async () => {
  expect(await readBundle({ 'audio/constructor': 'AAAA' })).toMatchObject([
    { filename: 'audio.constructor' },
  ]);
});

test('a form that cannot be shown is named', async () => {
  expect(await readBundle({ 'application/x-strange': 'alert(1)' })).toEqual([
    { kind: 'text', text: '(application/x-strange: cannot be shown here)' },
  ]);
});

test('a data frame of which the kernel sent thousands of rows is a table, read in turns', async () => {
  const rows = 10_000;
  const row = (id: number) => `<tr>\n<th>${id}</th>\n<td>name ${id}</td>\n</tr>\n`;
  const body = Array.from({ length: rows }, (_, id) => row(id)).join('');
  const head = '<thead><tr><th></th><th>name</th></tr></thead>';
  const html = `<div><table class="dataframe">${head}<tbody>${body}</tbody></table><p>12,345 rows × 1 columns</p></div>`;
  expect(html.length).toBeGreaterThan(300_000);
  let turns = 0;
  const counting = setInterval(() => (turns += 1), 0);
  const [frame] = await readBundle({ 'text/html': html, 'text/plain': 'long' });
  clearInterval(counting);
  if (frame?.kind !== 'table') throw new Error('no table');
  expect(frame.table.rows).toHaveLength(rows);
  expect(frame.table.rows.at(-1)).toEqual(['9999', 'name 9999']);
  expect(frame.table.totalRows).toBe(12_345);
  expect(turns).toBeGreaterThan(0);
});

test('paragraphs, list items and lines in a cell are lines', async () => {
  const cell = async (html: string) =>
    (await readHtmlTable(`<table><tr><th>a</th></tr><tr><td>${html}</td></tr></table>`))?.rows[0]?.[0];
  expect(await cell('<p>x</p>\n<p>y</p>')).toBe('x\ny');
  expect(await cell('<ul><li>x <b>b</b></li><li>y</li></ul>z')).toBe('x b\ny\nz');
  expect(await cell('x<br>y<div> z</div>')).toBe('x\ny\nz');
});

test("Spark's show() is split into text and tables", async () => {
  const text = readFixture('pyspark-show')
    .map((output) => output.text ?? '')
    .join('');
  expect(await splitTextTables(text)).toEqual([
    { kind: 'text', text: 'before' },
    {
      kind: 'table',
      table: {
        columns: ['id', 'name', 'share'],
        rows: [
          ['1', 'ana', '0.5'],
          ['2', 'NULL', '0.25'],
          ['3', 'a|b', '0.1'],
        ],
        totalRows: 3,
        totalColumns: 3,
        note: undefined,
        isBeginning: false,
      },
      text: expect.stringMatching(/^\+---\+/),
    },
    { kind: 'text', text: 'after' },
  ]);
});

test('wide characters move the bars, the cells are still found', async () => {
  const text = '+---+----+\n| id|name|\n+---+----+\n|  1|日本|\n+---+----+\nonly showing top 1 row\n';
  expect(await splitTextTables(text)).toEqual([
    {
      kind: 'table',
      table: {
        columns: ['id', 'name'],
        rows: [['1', '日本']],
        totalRows: 1,
        totalColumns: 2,
        note: undefined,
        isBeginning: true,
      },
      text: text.trimEnd(),
    },
  ]);
});

test('borders between the rows do not end the table', async () => {
  const line = '+---+';
  const text = [
    line,
    '| a |',
    line,
    '| 1 |',
    line,
    '| 2 |',
    line,
    'after',
    line,
    '| b |',
    line,
    '| 3 |',
    line,
  ].join('\n');
  expect(
    (await splitTextTables(text)).map((piece) => (piece.kind === 'table' ? piece.table.rows : piece.text)),
  ).toEqual([[['1'], ['2']], 'after', [['3']]]);
});

test.each(['+--+\n|a|', '+---+\nno table\n+---+\n', 'a + b', '+---+\n| a |\n+---+\n| 1 | 2 |\n+---+\n'])(
  '%j is no table',
  async (text) => {
    expect(await splitTextTables(text)).toEqual([{ kind: 'text', text }]);
  },
);

test('a cell that spans very many rows names each of them, and one of the whole width adds no columns', async () => {
  const rows = Array.from(
    { length: 300 },
    (_, n) => `<tr>${n === 0 ? '<th rowspan="300">a' : ''}<th>${n}<td>x`,
  );
  const table = await readHtmlTable(`<table>${rows.join('')}<tr><td colspan="100%">a note</table>`);
  expect(table?.rows.slice(0, 300)).toEqual(rows.map((_, n) => ['a', String(n), 'x']));
  expect(table?.rows[300]).toEqual(['a note', '', '']);
});

test('several tables, or nested ones, are not shown as a table', async () => {
  expect(
    await readHtmlTable('<table><tr><td>1</td></tr></table><table><tr><td>2</td></tr></table>'),
  ).toBeUndefined();
  expect(
    await readHtmlTable('<table><tr><td><table><tr><td>1</td></tr></table></td></tr></table>'),
  ).toBeUndefined();
  expect(await readHtmlTable('<p>no table</p>')).toBeUndefined();
});

test('entities are decoded, scripts ignored, unclosed tags tolerated', async () => {
  expect(
    await readHtmlTable('<table><tr><th>a<th>b<tr><td>1 &lt; 2<td><script>x()</script>ok</table>'),
  ).toEqual({
    columns: ['a', 'b'],
    rows: [['1 < 2', 'ok']],
    totalRows: 1,
    totalColumns: undefined,
    note: undefined,
    isBeginning: false,
  });
  expect(await htmlAsText('<style>p{}</style><p>a &amp; b<br>c</p><script>alert(1)</script>')).toBe(
    'a & b\nc',
  );
  expect(await htmlAsText('<dl><dt>Version</dt><dd><code>v4</code></dd><dt>Master</dt><dd>x</dd></dl>')).toBe(
    'Version\tv4\nMaster\tx',
  );
  expect(await htmlAsText('<p> a  b</p><pre>\n x\n\n  y <b> z</b></pre>\n')).toBe('a b\n x\n \n  y  z');
  expect(await htmlAsText('<pre>\n</pre>\n')).toBe('');
  expect(await htmlAsText('<details><summary>More</summary>of it</details>')).toBe('More\nof it');
});

/** For another run each time, because a run whose drawing took too long gets no further one. */
let drawings = 0;
const rasterise = (source: string) => rasteriseSvg(source, `run-${(drawings += 1)}`);

function svg(inner: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="20" height="10">${inner}</svg>`;
}

test('LaTeX is shown as its source, unless the kernel has better words', async () => {
  const latex = { 'text/latex': String.raw`$\displaystyle x^{2}$` };
  expect(await readBundle({ ...latex, 'text/plain': '<IPython.core.display.Math object>' })).toEqual([
    { kind: 'text', text: latex['text/latex'] },
  ]);
  expect(await readBundle({ ...latex, 'text/plain': 'x**2' })).toEqual([{ kind: 'text', text: 'x**2' }]);
});

test('an svg becomes a png, an invalid one nothing', async () => {
  const png = await rasterise(svg('<rect width="20" height="10" fill="red"/>'));
  expect(png?.subarray(1, 4).toString()).toBe('PNG');
  expect(await rasterise('no svg')).toBeUndefined();
});

test('an svg that cannot be drawn does not delay others', async () => {
  const broken = Array.from({ length: 3 }, () => rasterise('no svg'));
  expect(await rasterise(svg('<rect width="20" height="10"/>'))).toBeDefined();
  expect(await Promise.all(broken)).toEqual([undefined, undefined, undefined]);
});

test('a process without free file descriptors draws no svg, and leaves no error uncaught', async () => {
  const renderer = new URL('../../../../src/output/mime/rasterise-svg.ts', import.meta.url);
  const said = await runWithoutDescriptors(
    `const { rasteriseSvg } = await import('${renderer.href}');`,
    `await rasteriseSvg('<svg/>', 'run')`,
  );
  expect(said).toBe('undefined\n');
});

test('an svg of any proportions is scaled to fit, and affects only its own drawing', async () => {
  const sized = (size: string) =>
    rasterise(`<svg xmlns="http://www.w3.org/2000/svg" ${size}><rect width="1" height="1"/></svg>`);
  const sideOf = (png: Buffer | undefined) => [png?.readUInt32BE(16), png?.readUInt32BE(20)];
  expect(sideOf(await sized('width="100" height="1e3"'))).toEqual([120, 1200]);
  expect(sideOf(await sized('width="50000" height="50000"'))).toEqual([1200, 1200]);
  // drawn by its width it would take 20 TB
  expect(await sized('width="1" height="1e7"')).toBeUndefined();
  expect(sideOf(await rasterise(svg('<rect width="20" height="10" fill="red"/>')))).toEqual([1200, 600]);
});

test('an svg cannot show files of this machine', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'svg-'));
  const red = join(dir, 'red.png');
  await writeFile(red, (await rasterise(svg('<rect width="20" height="10" fill="red"/>'))) ?? '');
  const image = (href: string) => rasterise(svg(`<image width="20" height="10" ${href}/>`));
  const empty = await rasterise(svg(''));
  expect(await image(`href="${red}"`)).toEqual(empty);
  expect(await image(`xlink:href='file://${red}'`)).toEqual(empty);
  const quoted = join(dir, "it's red.png");
  await copyFile(red, quoted);
  expect(await image(`href="${quoted}"`)).toEqual(empty);
  await rm(dir, { recursive: true });
});

test('a picture in an svg is drawn; an svg in it, which could name files, is not', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'svg-'));
  const red = join(dir, 'red.png');
  const png = await rasterise(svg('<rect width="20" height="10" fill="red"/>'));
  await writeFile(red, png ?? '');
  const image = (mime: string, held: string | Buffer | undefined) =>
    rasterise(
      svg(
        `<image width="20" height="10" href="data:${mime};base64,${Buffer.from(held ?? '').toString('base64')}"/>`,
      ),
    );
  expect(await image('image/png', png)).toEqual(png);
  const filter = `<filter id="f" x="0" y="0" width="1" height="1"><feImage href="${red}"/></filter>`;
  const drawn = svg(`${filter}<rect width="20" height="10" filter="url(#f)"/>`);
  const empty = await rasterise(svg(''));
  expect(await image('image/svg+xml', drawn)).toEqual(empty);
  expect(await image('text/plain', drawn)).toEqual(empty);
  await rm(dir, { recursive: true });
});

const cells = (tag: string, ...texts: string[]) => texts.map((text) => `<${tag}>${text}</${tag}>`).join('');
const dots = (columns: number, dot: string) => cells('td', ...Array.from({ length: columns }, () => dot));

test.each<[string, string, [number, number | undefined, true | undefined]]>([
  [
    'pandas that left out columns',
    `<table><thead><tr>${cells('th', '', '0', '1', '...', '19')}</tr></thead><tbody><tr><th>0</th>${cells('td', '1', '2', '...', '3')}</tr></tbody></table><p>1 rows × 20 columns</p>`,
    [1, 20, undefined],
  ],
  [
    'pandas with two levels of index',
    `<table><thead><tr>${cells('th', '', '', 'w')}</tr><tr>${cells('th', 'k', 'v', '')}</tr></thead><tbody><tr>${cells('th', 'a', '1')}<td>5</td></tr></tbody></table>`,
    [1, 1, undefined],
  ],
  [
    'Polars',
    `<div><small>shape: (1_000, 1)</small><table><thead><tr>${cells('th', 'a')}</tr></thead><tbody><tr>${cells('td', '0')}</tr><tr>${dots(1, '&hellip;')}</tr></tbody></table></div>`,
    [1000, 1, undefined],
  ],
  [
    'R that left out rows',
    `<table><caption>A data.frame: 1000 × 2</caption><thead><tr>${cells('th', 'a', 'b')}</tr></thead><tbody><tr>${cells('td', '1', '2')}</tr><tr>${dots(2, '⋮')}</tr></tbody></table>`,
    [1000, 2, undefined],
  ],
  [
    'the same in a locale without such a sign',
    `<table><caption>A data.frame: 1000 x 2</caption><thead><tr>${cells('th', 'a', 'b')}</tr></thead><tbody><tr>${cells('td', '1', '2')}</tr><tr>${dots(2, '...')}</tr></tbody></table>`,
    [1000, 2, undefined],
  ],
  [
    'rows left out without a word about how many',
    `<table><tr>${cells('th', 'a')}</tr><tr>${cells('td', '0')}</tr><tr>${dots(1, '...')}</tr></table>`,
    [1, undefined, undefined],
  ],
  [
    "Spark's own table",
    `<table border='1'><tr>${cells('th', 'id')}</tr><tr>${cells('td', '0')}</tr></table>\nonly showing top 1 row\n`,
    [1, undefined, true],
  ],
])('%s: the size is that of the whole, as far as the kernel tells', async (_, html, size) => {
  const table = await readHtmlTable(html);
  const isBeginning = table?.isBeginning === true ? true : undefined;
  expect([table?.totalRows, table?.totalColumns, isBeginning]).toEqual(size);
});

const gif = Buffer.from('GIF89a...');

test.each<[string, Record<string, unknown>, unknown[]]>([
  ['no base64', { 'image/png': '!!!', 'text/plain': 'a plot' }, [{ kind: 'text', text: 'a plot' }]],
  [
    'no picture and nothing beside it',
    { 'image/png': Buffer.from('hello').toString('base64') },
    [{ kind: 'text', text: '(image/png: cannot be shown here)' }],
  ],
  ['empty', { 'image/png': '', 'text/plain': 'a plot' }, [{ kind: 'text', text: 'a plot' }]],
  [
    'a picture of another kind than it says',
    { 'image/png': gif.toString('base64') },
    [{ kind: 'image', mime: 'image/gif', bytes: gif, alt: 'image' }],
  ],
])('an image that is %s is shown as what there is', async (_, data, forms) => {
  expect(await readBundle(data)).toEqual(forms);
});

const bare = '<IPython.core.display.HTML object>';

test.each<[string, Record<string, unknown>]>([
  ['an empty text', { 'text/plain': '' }],
  ["HTML('')", { 'text/html': '', 'text/plain': bare }],
  ['an empty element', { 'text/html': '<pre style="white-space:pre"></pre>\n', 'text/plain': '' }],
])('%s is shown as nothing', async (_, data) => {
  expect(await readBundle(data)).toEqual([]);
});

test('HTML that may show something only in a browser stays a file', async () => {
  const long = `<pre>${' '.repeat(400_000)}x</pre>`;
  for (const html of ['<canvas></canvas>', '<div class="chart"></div>', long]) {
    expect(await readBundle({ 'text/html': html })).toEqual([
      { kind: 'file', filename: 'output.html', mime: 'text/html', content: html },
    ]);
  }
});

test('the replacement text of media is not shown', async () => {
  const html = '<audio controls>Your browser does not support the audio element.</audio>';
  expect(await readBundle({ 'text/html': html, 'text/plain': bare })).toEqual([
    { kind: 'file', filename: 'output.html', mime: 'text/html', content: html },
  ]);
});

test.each([
  '<audio controls src="data:audio/wav;base64,UklG RkZG">',
  '<audio src=data:audio/wav;base64,UklGRkZG controls>',
])('sound ends where its attribute does: %s', async (html) => {
  expect(await readBundle({ 'text/html': html, 'text/plain': bare })).toEqual([
    { kind: 'file', filename: 'audio.wav', mime: 'audio/wav', content: Buffer.from('RIFFFF') },
  ]);
});

test('a number that SymPy draws as a formula stays a number', async () => {
  const png = Buffer.from('89504e470d0a1a0a00', 'hex').toString('base64');
  const drawn = (plain: string) => ({
    'image/png': png,
    'text/latex': '$\\displaystyle x$',
    'text/plain': plain,
  });
  for (const plain of ['7', '-1.5e-08', '[1, (2, 3)]', '{1: 2}'])
    expect(await readBundle(drawn(plain))).toEqual([{ kind: 'text', text: plain }]);
  for (const plain of [' 2\nx ', '[x, 1]'])
    expect(await readBundle(drawn(plain))).toMatchObject([{ kind: 'image' }]);
});

test('a figure as pdf is a file', async () => {
  const pdf = Buffer.from('%PDF-1.4');
  expect(
    await readBundle({
      'application/pdf': pdf.toString('base64'),
      'text/plain': '<Figure size 640x480 with 1 Axes>',
    }),
  ).toEqual([{ kind: 'file', filename: 'output.pdf', mime: 'application/pdf', content: pdf }]);
});

test('json of a named kind is shown as json', async () => {
  expect(
    await readBundle({
      'application/geo+json': { type: 'Point' },
      'text/plain': '<IPython.display.GeoJSON object>',
    }),
  ).toEqual([{ kind: 'text', text: '{\n  "type": "Point"\n}' }]);
});

test.each([
  ['very many rows', `<table>${'<tr><td>1'.repeat(210_000)}</table>`, true],
  ['spans that multiply', `<table>${'<tr><td rowspan=200 colspan=200>1'.repeat(50_000)}</table>`, false],
  [
    'one long row among many',
    `<table>${'<tr><td>1'.repeat(10_000)}<tr>${'<td>1'.repeat(10_000)}</table>`,
    false,
  ],
])('a table of %s does no harm', async (_, html, isTable) => {
  const forms = (await readBundle({ 'text/html': html, 'text/plain': 'a table' })).map(({ kind }) => kind);
  expect(forms).toEqual(isTable ? ['table'] : expect.arrayContaining(['text']));
});

test.each<[string, string, string[]]>([
  ['a heading and a note', '<h3>May</h3>TABLE<p>note: <b>final</b></p>', ['May', 'table', 'note: final']],
  [
    'a caption',
    '<style>td{}</style><table><caption>Sales</caption><tr><td>1</td></tr></table>',
    ['Sales', 'table'],
  ],
  ['what pandas says of the size', '<div>TABLE<p>1 rows × 20 columns</p></div>', ['table']],
  ['what Polars says of the size', '<div><small>shape: (1, 1)</small>TABLE</div>', ['table']],
  ['what Spark says of the size', 'TABLE\nonly showing top 1 row\n', ['table']],
  [
    'what R says of the size',
    '<table><caption>A matrix: 1 × 1 of type int</caption><tr><td>1</td></tr></table>',
    ['table'],
  ],
  ['a script', 'TABLE<script>sort()</script>', ['table', 'output.html']],
])('%s beside a table', async (_, html, forms) => {
  const shownForms = await readBundle({
    'text/html': html.replace('TABLE', '<table><tr><td>1</td></tr></table>'),
    'text/plain': '<pandas.io.formats.style.Styler at 0x7f00>',
  });
  expect(
    shownForms.map((form) =>
      form.kind === 'text' ? form.text : form.kind === 'file' ? form.filename : form.kind,
    ),
  ).toEqual(forms);
});

test('hostile html is read in little time', async () => {
  for (const piece of [
    '<caption>',
    '</table>',
    '<table>',
    '<div>',
    '<td>',
    '<a ',
    '&lt',
    '<!--',
    '<p>1 rows × ',
  ]) {
    const html = `<table><tr><td>1</td></tr>${piece.repeat(1_900_000 / piece.length)}`;
    expect(await readBundle({ 'text/html': html, 'text/plain': 'a table' })).not.toEqual([]);
  }
});

test.each(['<svg>', '<table>', '<b>x'])(
  'html of %s within each other is a file, found out soon',
  async (piece) => {
    const begun = process.threadCpuUsage();
    const nested = await readBundle({ 'text/html': piece.repeat(299_000 / piece.length) });
    expect(nested).toMatchObject([{ kind: 'file', filename: 'output.html' }]);
    expect(process.threadCpuUsage(begun).user).toBeLessThan(700_000);
  },
);

test('a number in place of a text is shown as digits', async () => {
  expect(await readBundle({ 'text/plain': 5 })).toEqual([{ kind: 'text', text: '5' }]);
});

test('charts of Altair and widgets of R are attached as files', async () => {
  const chart = { mark: 'bar' };
  const altair = {
    'application/vnd.vegalite.v5+json': chart,
    'text/plain': '<VegaLite 5 object>\n\nIf you see this …',
  };
  expect(await readBundle(altair)).toMatchObject([{ kind: 'file', filename: 'vegalite.json' }]);
  // So does Altair 6 write it.
  const six = {
    'application/vnd.vegalite.v6.json': chart,
    'text/plain': '<VegaLite 6 object>\n\nIf you see …',
  };
  expect(await readBundle(six)).toMatchObject([{ kind: 'file', filename: 'vegalite.json' }]);
  const widget = {
    'text/html': '<script>draw()</script>',
    'text/plain': 'HTML widgets cannot be represented in plain text (need html)',
  };
  expect(await readBundle(widget)).toMatchObject([{ kind: 'file', filename: 'output.html' }]);
  const local = { 'text/html': '<i>hi</i>', 'text/plain': '<__main__.f.<locals>.Local object at 0x7f12>' };
  expect(await readBundle(local)).toEqual([{ kind: 'text', text: 'hi' }]);
});

test('a value that a browser would only show as a page is the repr that its page contains', async () => {
  const page = (said: string): string =>
    `<style>a{}</style><div><div class="sk-text-repr-fallback"><pre>${said}</pre></div><table><tr><td>C</td><td>0.5</td></tr></table></div><script>copy()</script>`;
  const model = { 'text/html': page('Logit(C=&#x27;a&#x27;)'), 'text/plain': "Logit(C='a')" };
  expect(await readBundle(model)).toEqual([{ kind: 'text', text: "Logit(C='a')" }]);
});

test('a repr with its address in capitals says nothing beside html', async () => {
  const plan = { 'text/html': '<div>FILTER a</div>', 'text/plain': '<LazyFrame at 0x7FDA3CEB3C10>' };
  expect(await readBundle(plan)).toEqual([{ kind: 'text', text: 'FILTER a' }]);
});

test('a chart is never text alone, whatever its library shows in its place', async () => {
  const chart = {
    'application/vnd.vegalite.v5+json': { mark: 'bar' },
    'text/plain': 'a bar chart\nof two rows',
  };
  expect(await readBundle(chart)).toMatchObject([
    { kind: 'text', text: 'a bar chart\nof two rows' },
    { kind: 'file', filename: 'vegalite.json' },
  ]);
});

test('json that is nested too deeply to be written is named', async () => {
  const deep: unknown = JSON.parse('['.repeat(20_000) + ']'.repeat(20_000));
  expect(await readBundle({ 'application/json': deep })).toEqual([
    { kind: 'text', text: '(application/json: cannot be shown here)' },
  ]);
});

test('a map in an embedded page is only attached', async () => {
  const html =
    '<div><span>Make this Notebook Trusted to load map: File -> Trust Notebook</span><iframe srcdoc="&lt;html&gt;"></iframe></div>';
  const forms = await readBundle({ 'text/html': html, 'text/plain': '<folium.folium.Map at 0x7f0>' });
  expect(forms.map((form) => (form.kind === 'file' ? form.filename : form))).toEqual(['output.html']);
});
