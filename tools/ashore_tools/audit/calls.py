"""Calls that import but fail, or do something else, under Pyodide.

Names are those that names.py finds: `threading.Thread().start` is the method of an instance.  A
name that ends in `.*` stands for all below it, one in parentheses `(...)` for a mere mention."""

from typing import Dict, NamedTuple, Optional

from .rules import ERROR, NOTE, WARNING


class Call(NamedTuple):
    """What is wrong with calling a name."""

    rule: str
    severity: Optional[str]  # None: the rule's
    why: str
    advice: str
    raises: str              # what it raises there, '' where it raises nothing


_THREADS = "no thread can be started in the browser's interpreter"
_THREADS_DO = ("call the function directly, or await it with asyncio; the engine has threads of "
               "its own")
_PROCESSES = "a browser runs no other programs"
_PROCESSES_DO = "do it in Python, or guard it by sys.platform != 'emscripten'"
_POOL_DO = "use map(), or asyncio.gather for coroutines"
_SOCKETS = "a page can open no sockets; a call may wait forever"
_HTTP = "it opens sockets, which a page cannot"
_HTTP_DO = ("await pyodide.http.pyfetch(url) instead; the server has to allow it (CORS), and the "
            "data "
            "leaves the device")
_CORS = ("it sends the request by the browser: it fails unless the server allows the page's "
         "origin (CORS)")
_CORS_DO = ("look whether the server sends Access-Control-Allow-Origin; or ship the file with the "
            "app")
_DESKTOP = "there is no desktop"
_FACE = "show an interface with gradio"
_TERMINAL = "there is no terminal"
_SIGNALS = "signals never arrive"
_GUARD = "guard it by sys.platform != 'emscripten'"
_DEVICE = "the browser's engine runs on processors, and there is no CUDA"
_DEVICE_DO = "export the model to ONNX, and run it with onnxruntime (CPUExecutionProvider)"
_SERVER = "a page cannot listen for connections"
_SERVER_DO = "the page is the interface: build it with gradio, or call the functions directly"

_ROWS = (
    ("threads", None, "threading.Thread().start threading.Timer().start _thread.start_new_thread "
     "_thread.start_new threading.Thread().run_in_executor "
     "multiprocessing.dummy.Process().start", _THREADS, _THREADS_DO, "RuntimeError"),
    ("threads", None, "concurrent.futures.ThreadPoolExecutor().submit "
     "concurrent.futures.ThreadPoolExecutor().map concurrent.futures.thread.ThreadPoolExecutor()"
     ".submit concurrent.futures.thread.ThreadPoolExecutor().map joblib.Parallel()", _THREADS,
     _POOL_DO, "RuntimeError"),
    ("threads", None, "multiprocessing.pool.ThreadPool multiprocessing.dummy.Pool", _THREADS,
    _POOL_DO,
     "ImportError"),
    ("threads", None, "logging.handlers.QueueListener().start", _THREADS,
     "add the handler to the logger itself", "RuntimeError"),
    ("threads", None, "faulthandler.dump_traceback_later", _THREADS, "leave it out",
    "RuntimeError"),
    ("threads", WARNING,
    "threading.Thread().join threading.Event().wait threading.Condition().wait "
     "queue.Queue().join",
     "nobody else can end the wait: there are no threads", "use asyncio's Event and Queue", ""),
    ("processes", None, "subprocess.run subprocess.call subprocess.check_call "
     "subprocess.check_output subprocess.Popen subprocess.getoutput subprocess.getstatusoutput "
     "os.system os.popen os.fork os.forkpty os.execv os.execve os.execl os.execle os.execlp "
     "os.execlpe os.execvp os.execvpe os.spawnl os.spawnle os.spawnlp os.spawnlpe os.spawnv "
     "os.spawnve os.spawnvp os.spawnvpe os.posix_spawn os.posix_spawnp os.wait os.waitpid os.wait3 "
     "os.wait4 pty.spawn pty.fork os.startfile asyncio.create_subprocess_exec "
     "asyncio.create_subprocess_shell asyncio.subprocess.create_subprocess_exec "
     "asyncio.subprocess.create_subprocess_shell pexpect.spawn sh.Command",
     _PROCESSES, _PROCESSES_DO, "OSError"),
    ("processes", None, "os.kill os.killpg signal.pthread_kill",
     "there is one process, and the signal would end the interpreter", _PROCESSES_DO, ""),
    ("processes", None,
    "multiprocessing.Process().start multiprocessing.Pool multiprocessing.Queue "
     "multiprocessing.JoinableQueue multiprocessing.SimpleQueue multiprocessing.Manager "
     "multiprocessing.Lock multiprocessing.RLock multiprocessing.Event multiprocessing.Semaphore "
     "multiprocessing.BoundedSemaphore multiprocessing.Condition multiprocessing.Barrier "
     "multiprocessing.Value multiprocessing.Array multiprocessing.Pipe multiprocessing.pool.Pool "
     "multiprocessing.get_context().Process().start multiprocessing.get_context().Pool "
     "multiprocessing.get_context().Queue multiprocessing.managers.BaseManager().start "
     "multiprocessing.connection.Listener", "_multiprocessing is not built: " + _PROCESSES,
     _POOL_DO, "ImportError"),
    ("processes", None, "concurrent.futures.ProcessPoolExecutor "
     "concurrent.futures.process.ProcessPoolExecutor concurrent.futures.InterpreterPoolExecutor",
     _PROCESSES, _POOL_DO, "NotImplementedError"),
    ("sockets", None, "socket.create_connection socket.create_server socket.socketpair "
     "socket.socket().connect socket.socket().connect_ex socket.socket().bind "
     "socket.socket().listen "
     "socket.socket().accept socket.socket().sendto socket.socket().recvfrom socket.fromfd "
     "asyncio.open_connection asyncio.open_unix_connection multiprocessing.connection.Client "
     "ssl.get_server_certificate ssl.wrap_socket ssl.SSLContext().wrap_socket "
     "ssl.create_default_context().wrap_socket logging.handlers.SocketHandler "
     "logging.handlers.SysLogHandler logging.handlers.DatagramHandler websockets.connect "
     "websockets.sync.client.connect websocket.create_connection websocket.WebSocketApp "
     "paramiko.SSHClient().connect redis.Redis redis.StrictRedis pymongo.MongoClient "
     "psycopg2.connect psycopg.connect mysql.connector.connect pymysql.connect asyncpg.connect "
     "pika.BlockingConnection zmq.Context serial.Serial", _SOCKETS,
     "fetch over HTTP with pyodide.http.pyfetch, or js.WebSocket", "OSError"),
    ("sockets", WARNING, "socket.gethostbyname socket.getaddrinfo socket.gethostbyaddr "
     "socket.gethostbyname_ex socket.getnameinfo",
     "names are not looked up: the answer is made up", "leave it out", ""),
    ("network", None, "urllib.request.urlopen urllib.request.urlretrieve "
     "urllib.request.build_opener().open urllib.request.OpenerDirector().open "
     "urllib.request.URLopener().retrieve urllib.robotparser.RobotFileParser().read "
     "http.client.HTTPConnection().request http.client.HTTPSConnection().request "
     "http.client.HTTPConnection().connect http.client.HTTPSConnection().connect "
     "http.client.HTTPConnection().getresponse http.client.HTTPSConnection().getresponse "
     "torch.hub.load torch.hub.load_state_dict_from_url torch.hub.download_url_to_file "
     "huggingface_hub.hf_hub_download huggingface_hub.snapshot_download "
     "huggingface_hub.InferenceClient wget.download gdown.download "
     "kagglehub.model_download boto3.client boto3.resource boto3.Session "
     "google.cloud.storage.Client gradio_client.Client", _HTTP, _HTTP_DO, "OSError"),
    ("network", None, "smtplib.SMTP smtplib.SMTP_SSL ftplib.FTP ftplib.FTP_TLS imaplib.IMAP4 "
     "imaplib.IMAP4_SSL poplib.POP3 poplib.POP3_SSL xmlrpc.client.ServerProxy telnetlib.Telnet "
     "nntplib.NNTP logging.handlers.SMTPHandler", _HTTP,
     "let a server do it that the page asks by pyodide.http.pyfetch", "OSError"),
    ("network", None, "requests.get requests.post requests.put requests.delete requests.head "
     "requests.patch requests.options requests.request requests.Session().get "
     "requests.Session().post requests.Session().put requests.Session().delete "
     "requests.Session().request requests.Session().head requests.Session().patch "
     "requests.session().get requests.session().post requests.session().request "
     "aiohttp.ClientSession().get aiohttp.ClientSession().post aiohttp.ClientSession().request "
     "aiohttp.ClientSession().ws_connect httpx.get httpx.post httpx.put httpx.delete httpx.request "
     "httpx.stream httpx.Client().get httpx.Client().post httpx.Client().request "
     "httpx.AsyncClient().get httpx.AsyncClient().post httpx.AsyncClient().request "
     "urllib3.PoolManager().request urllib3.request",
     _HTTP + " unless pyodide_http.patch_all() has replaced it", _HTTP_DO, "OSError"),
    ("network", None, "openai.OpenAI openai.AsyncOpenAI openai.ChatCompletion.create "
     "openai.Completion.create anthropic.Anthropic anthropic.AsyncAnthropic cohere.Client "
     "google.generativeai.configure", "it asks a service, with a key that the page would publish",
     "let a server of yours hold the key, and ask it with pyodide.http.pyfetch", ""),
    ("cross-origin", None,
    "pyodide.http.pyfetch pyodide.http.open_url js.fetch js.XMLHttpRequest.new "
     "pyodide.http.pyxhr.get pyodide.http.pyxhr.post js.WebSocket.new", _CORS, _CORS_DO, ""),
    ("server", None, "http.server.HTTPServer http.server.ThreadingHTTPServer http.server.test "
     "socketserver.TCPServer socketserver.UDPServer socketserver.ThreadingTCPServer "
     "socketserver.UnixStreamServer wsgiref.simple_server.make_server "
     "xmlrpc.server.SimpleXMLRPCServer "
     "asyncio.start_server asyncio.start_unix_server uvicorn.run uvicorn.Server().run "
     "waitress.serve hypercorn.asyncio.serve gunicorn.app.base.BaseApplication().run "
     "flask.Flask().run fastapi.FastAPI().run aiohttp.web.run_app bottle.run tornado.ioloop.IOLoop"
     ".current().start tornado.web.Application().listen sanic.Sanic().run dash.Dash().run "
     "dash.Dash().run_server streamlit.web.cli.main websockets.serve grpc.server", _SERVER,
     _SERVER_DO, "OSError"),
    ("signals", None, "signal.signal signal.set_wakeup_fd signal.siginterrupt", _SIGNALS, _GUARD,
    ""),
    ("signals", ERROR, "signal.pause signal.sigwait signal.sigtimedwait signal.sigwaitinfo",
     _SIGNALS + ", so it waits forever", _GUARD, ""),
    ("signals", ERROR, "signal.raise_signal", "it ends the interpreter", _GUARD, ""),
    ("signals", ERROR, "asyncio.get_event_loop().add_signal_handler "
     "asyncio.get_running_loop().add_signal_handler asyncio.new_event_loop().add_signal_handler",
     "the browser's event loop has no signals", _GUARD, "NotImplementedError"),
    ("stdin", WARNING, "sys.stdin.read sys.stdin.readline sys.stdin.readlines "
     "sys.stdin.buffer.read sys.stdin.buffer.readline sys.stdin.buffer.readlines fileinput.input",
     _TERMINAL + " to read from: it is empty", "ask in the interface (gradio), or read a file", ""),
    ("stdin", None, "input builtins.input getpass.getpass click.prompt click.confirm "
     "questionary.text rich.prompt.Prompt.ask typer.prompt",
     _TERMINAL + " to read from: it ends with EOFError",
     "ask in the interface (gradio), or take a value from the program", "EOFError"),
    ("stdin", None, "breakpoint builtins.breakpoint pdb.set_trace pdb.post_mortem code.interact "
     "IPython.embed pdb.run", "a debugger asks a terminal, which is not there", "take it out",
     "SystemExit"),
    ("terminal", None, "termios.tcgetattr termios.tcsetattr tty.setraw tty.setcbreak pty.openpty "
     "os.openpty os.get_terminal_size fcntl.ioctl", _TERMINAL,
     "use shutil.get_terminal_size, which has a fallback", "OSError"),
    ("terminal", NOTE, "fcntl.flock fcntl.lockf", "files are not shared: the lock does nothing",
     "leave it out", ""),
    ("desktop", None, "webbrowser.open webbrowser.open_new webbrowser.open_new_tab "
     "webbrowser.get().open webbrowser.get", "a worker of the page cannot open windows",
     "show a link (gradio.HTML or gradio.Markdown)", "ImportError"),
    ("desktop", None, "tkinter.Tk turtle.Turtle turtle.Screen cv2.imshow cv2.waitKey "
     "cv2.namedWindow cv2.destroyAllWindows cv2.VideoCapture pyautogui.* pygame.display.set_mode "
     "PIL.ImageGrab.grab sounddevice.* pyaudio.PyAudio pynput.* keyboard.* winsound.* "
     "playsound.playsound PIL.Image.open().show PIL.Image.fromarray().show",
     _DESKTOP, _FACE, "OSError"),
    ("desktop", NOTE, "matplotlib.pyplot.show", "there is no window to show it in",
     "return the figure to gradio.Plot, or save it", ""),
    ("native-library", None, "ctypes.CDLL ctypes.PyDLL ctypes.WinDLL ctypes.OleDLL "
     "ctypes.cdll.LoadLibrary ctypes.windll.LoadLibrary cffi.FFI().dlopen ctypes.windll.*",
     "machine code of another platform cannot be loaded",
     "take a wheel that is built for Pyodide, or do it in Python", "OSError"),
    ("native-library", WARNING, "ctypes.util.find_library", "it finds none, and returns None",
     "do it in Python", ""),
    ("stdlib-name", None, "pathlib.Path().owner pathlib.Path().group", "there are no users",
     _GUARD, "NotImplementedError"),
    ("event-loop", None, "asyncio.run asyncio.get_event_loop().run_until_complete "
     "asyncio.new_event_loop().run_until_complete asyncio.Runner().run",
     "the browser's loop runs already: it waits for the result where the browser has JSPI (Chrome 137, "
     "Firefox 153, Safari 27), and elsewhere at the top level of the entry file alone",
     "use await, at the top level too", "RuntimeError"),
    ("event-loop", None, "asyncio.get_event_loop().run_forever asyncio.new_event_loop().run_forever "
     "asyncio.run_coroutine_threadsafe anyio.run trio.run nest_asyncio.apply",
     "the browser's loop runs already, and nothing waits for it",
     "use await, at the top level too", ""),
    ("event-loop", NOTE, "asyncio.to_thread asyncio.get_event_loop().run_in_executor "
     "asyncio.get_running_loop().run_in_executor", "it runs on the same thread and blocks the loop",
     "expect no gain from it", ""),
    ("sleep", None, "time.sleep", "nothing else of the program runs meanwhile: no event, no update",
     "await asyncio.sleep(...)", ""),
    ("exit", None, "os._exit os.abort", "it ends the interpreter; the page has to be loaded anew",
     "return, or raise an exception", ""),
    ("time-zones", None, "zoneinfo.ZoneInfo", "there are no time zones, not even UTC, without the "
     "package tzdata", "add a wheel of tzdata to the requirements, or use datetime.timezone.utc",
     "KeyError"),
    ("install", None, "micropip.install pyodide_js.loadPackage pyodide.code.find_imports",
     "an app is complete and has no network: only what is bundled can be installed",
     "name it in requirements.txt, and give its wheel with --wheels", ""),
    ("install", ERROR, "pip.main pip._internal.main ensurepip.bootstrap",
     "pip does not work in a browser", "name it in requirements.txt, and give its wheel with "
                                       "--wheels",
     ""),
    ("device", None, "torch.cuda.* torch.device tensorflow.config.* jax.devices cupy.* pycuda.* "
     "numba.cuda.* pynvml.* tensorrt.* tensorflow.device torch.set_default_device", _DEVICE,
     _DEVICE_DO, ""),
    ("model-format", None,
    "torch.load torch.jit.load torch.export.load safetensors.torch.load_file "
     "tensorflow.keras.models.load_model keras.models.load_model tensorflow.saved_model.load "
     "keras.saving.load_model tensorflow.lite.Interpreter tflite_runtime.interpreter.Interpreter "
     "transformers.pipeline transformers.AutoModel.from_pretrained "
     "transformers.AutoModelForSequenceClassification.from_pretrained "
     "transformers.AutoModelForCausalLM.from_pretrained "
     "transformers.AutoModelForImageClassification"
     ".from_pretrained diffusers.* sentence_transformers.SentenceTransformer "
     "ultralytics.YOLO openvino.Core coremltools.models.MLModel paddle.jit.load "
     "llama_cpp.Llama ctransformers.AutoModelForCausalLM.from_pretrained whisper.load_model",
     "it needs a library that no browser runs", _DEVICE_DO, ""),
    ("model-format", WARNING,
    "joblib.load pickle.load cloudpickle.load dill.load pandas.read_pickle "
    "sklearn.externals.joblib.load",
     "a pickle holds names of the classes and versions that wrote it, and runs code when it is "
     "read",
     "export the model to ONNX (scikit-learn: skl2onnx), or the data to JSON or .npy", ""),
)

# Left alone although a `.*` above covers it.
_HARMLESS = {"torch.cuda.is_available", "torch.cuda.device_count", "torch.cuda.empty_cache",
             "numba.cuda.is_available"}


def _table() -> Dict[str, Call]:
    found: Dict[str, Call] = {}
    for rule, severity, names, why, advice, raises in _ROWS:
        for name in names.split():
            found[name] = Call(rule, severity, why, advice, raises)
    return found


TABLE = _table()


def lookup(dotted: str) -> Optional[Call]:
    """What is known of calling a name."""
    found = TABLE.get(dotted)
    if found or dotted in _HARMLESS:
        return found
    parts = dotted.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        found = TABLE.get(".".join(parts[:cut]) + ".*")
        if found:
            return found
    return None


# Exceptions that a handler for these names catches as well.
_WIDER = {
    "RuntimeError": (), "OSError": ("IOError", "EnvironmentError", "os.error", "socket.error",
                                    "urllib.error.URLError", "requests.exceptions.RequestException",
                                    "requests.RequestException", "ConnectionError", "TimeoutError"),
    "ImportError": ("ModuleNotFoundError",), "NotImplementedError": ("RuntimeError",),
    "EOFError": (), "SystemExit": (), "AttributeError": (), "KeyError": ("LookupError",),
    "FileNotFoundError": ("OSError", "IOError", "EnvironmentError"),
}


def caught(raises: str, handlers) -> bool:
    """Whether one of the handlers around a place takes what is raised there."""
    if not raises:
        return False
    wide = {"BaseException"} | ({"Exception"} if raises != "SystemExit" else set())
    return bool((wide | {raises} | set(_WIDER.get(raises, ()))) & set(handlers))
