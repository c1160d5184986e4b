"""A client of provider.v1: takes a VM of the server at an address through its
life, and prints what it sees, a line per call.

It does what VirtRigaud's manager does, with texts as that writes them, and
knows nothing of vmsteward's but the wire description.
"""

import json
import sys

import grpc

from provider_v1 import CALLS, OFF, ON, SHUTDOWN_GRACEFUL, pack, unpack

CLASS = {
    "CPU": 2, "MemoryMiB": 2048, "Firmware": "BIOS", "DiskDefaults": {"Type": "thin", "SizeGiB": 20},
    "GuestToolsPolicy": "install", "ExtraConfig": None,
    "PerformanceProfile": {
        "LatencySensitivity": "", "CPUHotAddEnabled": True, "MemoryHotAddEnabled": True,
        "VirtualizationBasedSecurity": False, "NestedVirtualization": False, "HyperThreadingPolicy": "",
    },
    "SecurityProfile": None, "ResourceLimits": None,
}
IMAGE = {"TemplateName": "", "Path": "/images/debian.qcow2", "URL": "", "Format": "qcow2", "Checksum": "", "ChecksumType": ""}
NETWORKS = [{
    "Name": "lan", "Portgroup": "", "NetworkName": "default", "Bridge": "", "VLAN": 0, "Model": "virtio", "MacAddress": "",
    "IPPolicy": "", "StaticIP": "", "Prefix": 0, "Gateway": "", "DNS": "", "PCISlotNumber": None,
}]
DISKS = [{"SizeGiB": 5, "Type": "thin", "Name": "data"}]


class Client:
    def __init__(self, address):
        self.channel = grpc.insecure_channel(address)

    def call(self, name, /, **values):
        request, response = CALLS[name]
        answer = self.channel.unary_unary("/provider.v1.Provider/" + name)  # bytes out, bytes in
        try:
            return unpack(response, answer(pack(request, values), timeout=30))
        except grpc.RpcError as e:
            return e.code().name

    def settle(self, answer):
        """Wait for the task of an answer, and say how it ended."""
        if isinstance(answer, str):
            return answer
        task = answer["task"]
        while task is not None and task["id"]:
            state = self.call("TaskStatus", task=task)
            if isinstance(state, str) or state["error"]:
                return "task failed: %s" % state
            if state["done"]:
                break
        return "done"


def seen(client, vm_id):
    vm = client.call("Describe", id=vm_id)
    return "%s, exists %s" % (vm["power_state"], vm["exists"])


def sizes(client):
    return "; ".join(
        "%s: %d CPUs, %d MiB, %s" % (
            vm["name"], vm["cpu"], vm["memory_mib"], ", ".join("%s %d GiB" % (d["id"], d["size_gib"]) for d in vm["disks"]))
        for vm in client.call("ListVMs")["vms"]) or "no VMs"


def main(address):
    client = Client(address)
    order = {
        "name": "web", "class_json": json.dumps(CLASS), "image_json": json.dumps(IMAGE),
        "networks_json": json.dumps(NETWORKS), "disks_json": json.dumps(DISKS),
        "user_data": "#cloud-config\nhostname: \u00fc\n".encode(), "tags": ["a", "\u00fc"],
    }
    desired = {
        "Name": "web", "Class": dict(CLASS, CPU=4, MemoryMiB=4096), "Image": IMAGE, "Networks": NETWORKS,
        "Disks": [{"SizeGiB": 8, "Type": "thin", "Name": "data"}, {"SizeGiB": 1, "Type": "", "Name": "log"}],
        "UserData": {"CloudInitData": "#cloud-config\n", "Type": "cloud-init"}, "MetaData": None, "Placement": None, "Tags": None,
    }
    say = print
    say("validate:", client.call("Validate")["ok"])
    say("online:", client.call("GetCapabilities")["supports_reconfigure_online"])
    say("foreign name:", client.call("Create", **dict(order, name="foreign")))
    made = client.call("Create", **order)
    say("create:", client.settle(made))
    say("create again:", client.call("Create", **order)["id"] == made["id"])
    vm_id = made["id"]
    say("seen:", seen(client, vm_id))
    say("on:", client.settle(client.call("Power", id=vm_id, op=ON)))
    say("on again:", client.settle(client.call("Power", id=vm_id, op=ON)))
    say("seen:", seen(client, vm_id))
    say("reconfigure:", client.settle(client.call("Reconfigure", id=vm_id, desired_json=json.dumps(desired))))
    say("listed:", sizes(client))
    desired["Disks"][0]["SizeGiB"] = 2
    say("shrink:", client.settle(client.call("Reconfigure", id=vm_id, desired_json=json.dumps(desired))))
    say("shutdown:", client.settle(client.call("Power", id=vm_id, op=SHUTDOWN_GRACEFUL, graceful_timeout_seconds=60)))
    say("off:", client.settle(client.call("Power", id=vm_id, op=OFF)))
    say("seen:", seen(client, vm_id))
    say("no task:", client.call("TaskStatus"))
    say("not served:", client.call("HardwareUpgrade", id=vm_id, target_version=21))
    say("on:", client.settle(client.call("Power", id=vm_id, op=ON)))
    say("delete:", client.settle(client.call("Delete", id=vm_id)))
    say("delete again:", client.settle(client.call("Delete", id=vm_id)))
    say("seen:", seen(client, vm_id))
    say("listed:", sizes(client))


if __name__ == "__main__":
    main(sys.argv[1])
