"""Back-to-back runs of 1+1 over ZeroMQ with jupyter_client; prints the median in milliseconds."""

import statistics
import sys
import time

from jupyter_client.manager import start_new_kernel

manager, client = start_new_kernel(kernel_name="python3")


def run():
    message_id = client.execute("1+1")
    idle = reply = False
    while not idle:
        message = client.get_iopub_msg(timeout=30)
        if message["parent_header"].get("msg_id") == message_id:
            idle = message["content"].get("execution_state") == "idle"
    while not reply:
        reply = client.get_shell_msg(timeout=30)["parent_header"].get("msg_id") == message_id


times = []
for n in range(int(sys.argv[1]) + 10):
    since = time.perf_counter()
    run()
    times.append((time.perf_counter() - since) * 1000)
client.stop_channels()
manager.shutdown_kernel(now=True)
print(statistics.median(times[10:]))
