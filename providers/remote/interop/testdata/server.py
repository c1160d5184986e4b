"""A server of provider.v1 that keeps its VMs in memory, faithfully.

It is a second implementation: nothing of vmsteward's is in it but the wire
description. It prints the port that it listens on, and ends when its input
does. Work goes on after the call, as a hypervisor's does: a task is done at its
second look. With a folder as its argument it takes from there who it is
(tls.crt, tls.key) and whom it believes (ca.crt), and wants a certificate.
"""

import itertools
import json
import sys
import threading
from concurrent import futures

import grpc

from provider_v1 import CALLS, OFF, ON, REBOOT, SHUTDOWN_GRACEFUL, pack, unpack


class Refused(Exception):
    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


class Hypervisor:
    def __init__(self):
        self.lock = threading.Lock()
        self.vms = {}
        self.tasks = {}  # id → looks until it is done
        self.ids = itertools.count(1)

    def task(self):
        name = "task-%d" % next(self.ids)
        self.tasks[name] = 2
        return {"id": name}

    def vm(self, vm_id):
        if vm_id not in self.vms:
            raise Refused(grpc.StatusCode.NOT_FOUND, "no VM %s" % vm_id)
        return self.vms[vm_id]

    def Validate(self, _):
        return {"ok": True, "message": "the second implementation"}

    def Create(self, r):
        for vm_id, vm in self.vms.items():
            if vm["name"] == r["name"]:
                return {"id": vm_id}
        shape, image = json.loads(r["class_json"]), json.loads(r["image_json"])
        if not (image.get("TemplateName") or image.get("Path") or image.get("URL")):
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, "nothing to boot from")
        if shape["CPU"] < 1 or shape["MemoryMiB"] < 1:
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, "a machine without CPUs or memory")
        defaults = shape.get("DiskDefaults") or {}
        disks = [{"id": "root", "path": image.get("Path", ""), "size_gib": defaults.get("SizeGiB") or 10, "format": "raw"}]
        for d in json.loads(r["disks_json"]) or []:
            disks.append({"id": d["Name"], "path": "", "size_gib": d["SizeGiB"], "format": "raw"})
        vm_id = "vm-%d" % next(self.ids)
        networks = [
            {"name": n.get("Bridge") or n.get("NetworkName"), "mac": n.get("MacAddress") or "52:54:00:00:00:%02x" % i}
            for i, n in enumerate(json.loads(r["networks_json"]) or [])
        ]
        self.vms[vm_id] = {
            "name": r["name"], "cpu": shape["CPU"], "memory": shape["MemoryMiB"], "disks": disks, "networks": networks,
            "on": False, "user_data": r["user_data"], "tags": r["tags"],
        }
        return {"id": vm_id, "task": self.task()}

    def Delete(self, r):
        if self.vms.pop(r["id"], None) is None:
            return {}
        return {"task": self.task()}

    def Power(self, r):
        vm = self.vm(r["id"])
        if r["op"] not in (ON, OFF, REBOOT, SHUTDOWN_GRACEFUL):
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, "no act on the power state")
        vm["on"] = r["op"] in (ON, REBOOT)
        return {"task": self.task()}

    def Reconfigure(self, r):
        vm, desired = self.vm(r["id"]), json.loads(r["desired_json"])
        shape = desired.get("Class") or {}
        vm["cpu"] = shape.get("CPU") or vm["cpu"]
        vm["memory"] = shape.get("MemoryMiB") or vm["memory"]
        for d in desired.get("Disks") or []:
            for have in vm["disks"]:
                if have["id"] == d["Name"]:
                    if d["SizeGiB"] < have["size_gib"]:
                        raise Refused(grpc.StatusCode.INVALID_ARGUMENT, "disks are not made smaller")
                    have["size_gib"] = d["SizeGiB"]
        return {"task": self.task()}

    def Describe(self, r):
        vm = self.vms.get(r["id"])
        if vm is None:
            return {"exists": False}
        raw = {"name": vm["name"], "user_data_bytes": len(vm["user_data"]), "tags": vm["tags"]}
        return {
            "exists": True, "power_state": "On" if vm["on"] else "Off", "ips": ["192.0.2.1"] if vm["on"] else [],
            "provider_raw_json": json.dumps(raw),
        }

    def TaskStatus(self, r):
        name = (r["task"] or {}).get("id", "")
        if name not in self.tasks:
            raise Refused(grpc.StatusCode.NOT_FOUND, "no task")
        self.tasks[name] -= 1
        return {"done": self.tasks[name] <= 0}

    def GetCapabilities(self, _):
        return {"supports_reconfigure_online": True, "supported_disk_types": ["raw"]}

    def ListVMs(self, _):
        return {"vms": [
            {
                "id": vm_id, "name": vm["name"], "power_state": "On" if vm["on"] else "Off", "cpu": vm["cpu"],
                "memory_mib": vm["memory"], "disks": vm["disks"], "networks": vm["networks"],
                "ips": ["192.0.2.1"] if vm["on"] else [],
            }
            for vm_id, vm in self.vms.items()
        ]}


def handler(hypervisor, name):
    request, response = CALLS[name]

    def answer(data, context):
        act = getattr(hypervisor, name, None)
        if act is None:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "%s is not served" % name)
        try:
            with hypervisor.lock:
                return pack(response, act(unpack(request, data)))
        except Refused as e:
            context.abort(e.code, str(e))
        except ValueError as e:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "not understood: %s" % type(e).__name__)

    return grpc.unary_unary_rpc_method_handler(answer)  # bytes in, bytes out


def main():
    hypervisor = Hypervisor()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(
        "provider.v1.Provider", {name: handler(hypervisor, name) for name in CALLS}),))
    if len(sys.argv) > 1:
        crt, key, ca = (open("%s/%s" % (sys.argv[1], name), "rb").read() for name in ("tls.crt", "tls.key", "ca.crt"))
        credentials = grpc.ssl_server_credentials([(key, crt)], ca, require_client_auth=True)
        port = server.add_secure_port("127.0.0.1:0", credentials)
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    sys.stdin.read()
    server.stop(None).wait()


if __name__ == "__main__":
    main()
