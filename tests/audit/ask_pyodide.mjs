// Asks Pyodide about its standard library: JSON on stdin, JSON on stdout.
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const folder = new URL('../../build/npm/node_modules/pyodide/', import.meta.url);
const { loadPyodide, version } = await import(new URL('pyodide.mjs', folder));
const pyodide = await loadPyodide({ indexURL: fileURLToPath(folder), stdout() {}, stderr() {} });
pyodide.globals.set('asked', await text(process.stdin));
const answer = JSON.parse(pyodide.runPython(`
import importlib, json, os, platform, sys, warnings, zipfile
warnings.simplefilter('ignore')
asked = json.loads(asked)
skipped = set(asked['skipped'])
known = set(sys.builtin_module_names) | set(sys.stdlib_module_names)
archive = next(p for p in sys.path if p.endswith('.zip'))
for name in zipfile.ZipFile(archive).namelist():
    if name.endswith(('.py', '.pyc')):
        dotted = name.rsplit('.', 1)[0].replace('/', '.')
        known.add(dotted[:-9] if dotted.endswith('.__init__') else dotted)
present, broken = [], {}
for name in sorted(known):
    if name.split('.')[0] in skipped or name.endswith('__main__'):
        continue
    try:
        importlib.import_module(name)
        present.append(name)
    except BaseException as error:
        broken[name] = f'{type(error).__name__}: {error}'.split(chr(10))[0]
def has(module, name):
    try:
        return hasattr(importlib.import_module(module), name)
    except Exception:  # a name that is made when it is asked for, and cannot be here
        return False
# Modules that others put there: os.path, collections.abc.
present = sorted(set(present) | {n for n in sys.modules if '.' in n and n.split('.')[0] in present})
missing = {}
for module, names in asked['names'].items():
    if module in present:
        lacks = [n for n in names if not has(module, n)]
        if lacks:
            missing[module] = lacks
public = [n for n in sys.stdlib_module_names if n not in skipped]
json.dumps({
    'python': platform.python_version(),
    'stdlib': sorted(public),
    'present': [n for n in present if n.split('.')[0] in sys.stdlib_module_names],
    'absent': broken,
    'missing': missing,
    'markers': {
        'os_name': os.name, 'sys_platform': sys.platform,
        'platform_machine': platform.machine(), 'platform_system': platform.system(),
        'platform_release': platform.release(), 'platform_version': platform.version(),
        'python_version': '.'.join(platform.python_version_tuple()[:2]),
        'python_full_version': platform.python_version(),
        'implementation_name': sys.implementation.name,
        'implementation_version': platform.python_version(),
        'platform_python_implementation': platform.python_implementation(),
    },
})
`));
process.stdout.write(JSON.stringify({ pyodide: version, ...answer }));
