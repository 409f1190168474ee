"""Import names whose distribution has another name, and packages that no browser can run."""

from typing import Dict, Optional, Tuple

# For advice where neither a wheel nor a lock file says it.
DISTRIBUTIONS: Dict[str, str] = {
    "PIL": "pillow", "cv2": "opencv-python", "sklearn": "scikit-learn", "skimage": "scikit-image",
    "yaml": "pyyaml", "bs4": "beautifulsoup4", "dateutil": "python-dateutil", "dotenv":
    "python-dotenv", "serial": "pyserial", "Crypto": "pycryptodome", "OpenSSL": "pyopenssl",
    "google.protobuf": "protobuf", "attr": "attrs", "pkg_resources": "setuptools",
    "fitz": "pymupdf", "docx": "python-docx", "pptx": "python-pptx", "jwt": "pyjwt",
    "magic": "python-magic", "Levenshtein": "levenshtein", "slugify": "python-slugify",
    "usb": "pyusb", "wx": "wxpython", "zmq": "pyzmq", "MySQLdb": "mysqlclient", "git": "gitpython",
    "multipart": "python-multipart", "jose": "python-jose", "tflite_runtime": "tflite-runtime",
    "faiss": "faiss-cpu", "umap": "umap-learn", "psycopg2": "psycopg2-binary", "nacl": "pynacl",
    "pywt": "pywavelets", "ruamel": "ruamel.yaml", "mpl_toolkits": "matplotlib",
    "pylab": "matplotlib", "telegram": "python-telegram-bot", "discord": "discord.py",
    "pydub": "pydub", "speech_recognition": "speechrecognition", "ffmpeg": "ffmpeg-python",
}

_ONNX = "export the model to ONNX ({how}), and run it with 'import onnxruntime'"
_TORCH = _ONNX.format(how="torch.onnx.export")
_TF = _ONNX.format(how="tf2onnx")
_JAX = _ONNX.format(how="jax2onnx")
_HUB = _ONNX.format(how="optimum-cli export onnx")

# Import name -> why, what to do instead.
NATIVE: Dict[str, Tuple[str, str]] = {
    **{n: ("PyTorch has no build for browsers", _TORCH) for n in (
        "torch", "torchvision", "torchaudio", "torchtext", "pytorch_lightning", "lightning",
        "timm", "fastai", "torch_geometric", "xformers", "triton", "ultralytics",
        "segment_anything",
        "accelerate", "bitsandbytes", "peft", "kornia", "monai", "easyocr", "whisper", "TTS",
        "clip", "open_clip", "detectron2", "mmcv", "mmdet", "flash_attn", "vllm", "deepspeed")},
    **{n: ("TensorFlow has no build for browsers", _TF) for n in (
        "tensorflow", "keras", "tensorflow_hub", "tensorflow_text", "tensorflow_datasets",
        "tflite_runtime", "ai_edge_litert", "tf_keras", "deepface")},
    **{n: ("JAX has no build for browsers", _JAX) for n in ("jax", "jaxlib", "flax", "haiku",
                                                            "optax", "equinox")},
    **{n: ("its models run on PyTorch or TensorFlow", _HUB) for n in (
        "transformers", "diffusers", "sentence_transformers", "optimum", "auto_gptq")},
    **{n: ("it needs a GPU's driver", _TORCH) for n in (
        "cupy", "pycuda", "tensorrt", "pynvml", "cudf", "cuml", "nvidia", "pyopencl")},
    **{n: ("it is a runtime of machine code", _ONNX.format(how="or take the ONNX file it runs"))
       for n in ("openvino", "tvm", "ncnn", "paddle", "mxnet", "coremltools", "llama_cpp",
                 "ctransformers", "onnxruntime_genai", "mediapipe", "paddleocr")},
    **{n: ("it compiles machine code while the program runs", "write the loop with numpy, or put "
                                                              "it "
           "into the ONNX model") for n in ("numba", "llvmlite", "cython", "pyximport")},
    **{n: ("it needs a desktop", "show an interface with gradio") for n in (
        "PyQt5", "PyQt6", "PySide2", "PySide6", "wx", "gi", "kivy", "pyautogui", "pynput",
        "keyboard", "mouse", "sounddevice", "pyaudio", "playsound", "pyttsx3", "customtkinter",
        "dearpygui", "simpleaudio")},
    **{n: ("it drives hardware or another program", "leave that to a program on the machine")
       for n in ("serial", "usb", "RPi", "smbus", "can", "bluetooth", "selenium", "playwright",
                 "pexpect", "docker", "psutil", "win32api", "win32com", "pythoncom", "pywintypes")},
    **{n: ("it is a server, and a page cannot listen", "call the functions directly: the page is "
           "the interface") for n in ("uvicorn", "gunicorn", "hypercorn", "waitress", "gevent",
                                      "eventlet", "uvloop", "grpc", "celery", "ray", "dask_cuda")},
    "streamlit": ("it runs a server", "build the interface with gradio"),
    "onnx": ("no wheel of it is built for Pyodide", "onnxruntime reads models by itself; metadata "
             "are in session.get_modelmeta()"),
    "tokenizers": ("no wheel of it is built for Pyodide", "tokenise with ashore's WordPiece "
                   "functions, or inside of the ONNX model"),
}


def distribution(module: str) -> str:
    """The distribution that most likely has a module."""
    parts = module.split(".")
    for cut in range(len(parts), 0, -1):
        name = ".".join(parts[:cut])
        if name in DISTRIBUTIONS:
            return DISTRIBUTIONS[name]
    return parts[0].replace("_", "-").strip("-") or parts[0]


def native(module: str) -> Optional[Tuple[str, str]]:
    """Why a package runs in no browser and what to do instead; None where that is not known."""
    return NATIVE.get(module.split(".")[0])
