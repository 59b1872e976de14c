import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { sqlForKernel, takesSql } from '../../../../src/spark/sql/kernel-code.ts';
import { showFrames } from '../../../../src/spark/sql/python.ts';

const run = promisify(execFile);

test('tables.py and frames.py, on the Python here', async () => {
  const tests = fileURLToPath(new URL('./test_tables.py', import.meta.url));
  const { stderr } = await run('python3', ['-B', tests]);
  expect(stderr).toMatch(/Ran \d\d tests[^]*\nOK\n$/);
});

test('SQL in Python is one expression on one line that binds no name, whatever it contains', async () => {
  const sql = "select '\"$x\\n', \"ü\u2028\";\n-- ${y} '''\nselect `a`";
  const code = sqlForKernel(sql, { language: 'python', implementation: 'ipython' }, 7);
  expect(code).not.toContain('\n');
  const check = `
import ast, sys
code = sys.stdin.read()
names = {}
asked = []
tree = ast.parse(code, mode="eval")
class Module(dict):
    pass
def run_sql(names, text, most): asked.append((text, most))
def fake(source, name, mode, *flags): return "module"
exec("result = eval(compile(tree, 'x', 'eval'), {'compile': fake, 'eval': lambda code, module: module.update(run_sql=run_sql), '__builtins__': __builtins__, 'globals': lambda: names})")
print(ascii((result, asked, sorted(names))))
`;
  const child = run('python3', ['-c', check]);
  child.child.stdin?.end(code);
  const { stdout } = await child;
  const escaped = "select \\'\"$x\\\\n\\', \"\\xfc\\u2028\";\\n-- ${y} \\'\\'\\'\\nselect `a`";
  expect(stdout.trim()).toBe(`(None, [('${escaped}', 7)], [])`);
});

test('SQL runs in kernels of Python, Scala and R, and in no others', () => {
  expect(['python', 'python3', 'scala', 'R'].map(takesSql)).toEqual([true, true, true, true]);
  expect(['bash', 'sql', 'constructor', ''].map(takesSql)).toEqual([false, false, false, false]);
});

test('the code that shows frames is one expression on one line, binds no name and runs once', async () => {
  const check = `
import json, sys
class Formatter(object):
    def format(self, thing, include=None, exclude=None): return "theirs"
class Shell(object):
    display_formatter = Formatter()
    def find_cell_magic(self, name): return "theirs"
names = {"get_ipython": Shell}
found = []
for code in json.load(sys.stdin):
    eval(compile(code, "x", "eval"), names)
    found.append(Shell.display_formatter.format)
print(json.dumps([found[0] is found[1], found[1] is found[2], found[2](1), sorted(set(names) - {"__builtins__"}), "pyspark" in sys.modules]))
`;
  const codes = [0, 0, 50].map((result) => showFrames({ asked: 1_000, result }));
  expect(codes.join('')).toMatch(/^[ -~]+$/);
  const child = run('python3', ['-c', check]);
  child.child.stdin?.end(JSON.stringify(codes));
  const { stdout } = await child;
  expect(JSON.parse(stdout)).toEqual([true, false, 'theirs', ['get_ipython'], false]);
});
