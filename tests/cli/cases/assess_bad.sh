ashore assess -- python3 app.py || echo $?
ashore assess --target p99=40parsecs -- python3 app.py || echo $?
ashore assess --target speed=1 -- python3 app.py || echo $?
ashore assess --target cost=0.20/1k -- python3 app.py || echo $?
ashore assess --target p99=1s || echo $?
ashore assess --target p99=1s --rate 0 -- python3 app.py || echo $?
ashore assess --target p99=1s --url https://example.test/ -- python3 app.py || echo $?
ashore assess --target p99=1s -- python3 app.py || echo $?
ashore assess --target p99=1s --mode open -- python3 app.py || echo $?
ashore assess --target p99=1s --mode sideways -- python3 app.py || echo $?
