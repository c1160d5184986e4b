"""provider.v1 by hand: its messages as tables, and what packs and unpacks them.

Written from the wire description alone (message, field, number, type) and from
the encoding's own definition. No schema and no generated code is read, so that
it tells whether the description is enough.
"""

# Scalars: "string", "bytes", "bool", "int32", "int64", "enum". A list is
# ("list", type), a map of texts is "map", a message is its name.
MESSAGES = {
    "TaskRef": {"id": (1, "string")},
    "Empty": {},
    "ValidateRequest": {},
    "ValidateResponse": {"ok": (1, "bool"), "message": (2, "string")},
    "CreateRequest": {
        "name": (1, "string"), "user_data": (2, "bytes"), "class_json": (3, "string"), "image_json": (4, "string"),
        "networks_json": (5, "string"), "disks_json": (6, "string"), "placement_json": (7, "string"),
        "tags": (8, ("list", "string")), "meta_data": (9, "bytes"),
    },
    "CreateResponse": {"id": (1, "string"), "task": (2, "TaskRef")},
    "DeleteRequest": {"id": (1, "string")},
    "PowerRequest": {"id": (1, "string"), "op": (2, "enum"), "graceful_timeout_seconds": (3, "int32")},
    "ReconfigureRequest": {"id": (1, "string"), "desired_json": (2, "string")},
    "HardwareUpgradeRequest": {"id": (1, "string"), "target_version": (2, "int32")},
    "TaskResponse": {"task": (1, "TaskRef")},
    "DescribeRequest": {"id": (1, "string")},
    "DescribeResponse": {
        "exists": (1, "bool"), "power_state": (2, "string"), "ips": (3, ("list", "string")),
        "console_url": (4, "string"), "provider_raw_json": (5, "string"),
    },
    "TaskStatusRequest": {"task": (1, "TaskRef")},
    "TaskStatusResponse": {"done": (1, "bool"), "error": (2, "string")},
    "SnapshotCreateRequest": {
        "vm_id": (1, "string"), "name_hint": (2, "string"), "include_memory": (3, "bool"), "description": (4, "string"),
    },
    "SnapshotCreateResponse": {"snapshot_id": (1, "string"), "task": (2, "TaskRef")},
    "SnapshotDeleteRequest": {"vm_id": (1, "string"), "snapshot_id": (2, "string")},
    "SnapshotRevertRequest": {"vm_id": (1, "string"), "snapshot_id": (2, "string")},
    "CloneRequest": {
        "source_vm_id": (1, "string"), "target_name": (2, "string"), "linked": (3, "bool"), "class_json": (4, "string"),
        "placement_json": (5, "string"), "customize_json": (6, "string"),
    },
    "CloneResponse": {"target_vm_id": (1, "string"), "task": (2, "TaskRef")},
    "ImagePrepareRequest": {"image_json": (1, "string"), "target_name": (2, "string"), "storage_hint": (3, "string")},
    "ImagePrepareResponse": {
        "task": (1, "TaskRef"), "prepared_image_id": (2, "string"), "prepared_image_path": (3, "string"),
    },
    "ExportDiskRequest": {
        "vm_id": (1, "string"), "disk_id": (2, "string"), "snapshot_id": (3, "string"), "destination_url": (4, "string"),
        "format": (5, "string"), "compress": (6, "bool"), "credentials": (7, "map"), "backend_type": (8, "string"),
        "transfer_mode": (9, "string"), "storage_options_json": (10, "string"),
    },
    "ExportDiskResponse": {
        "export_id": (1, "string"), "task": (2, "TaskRef"), "estimated_size_bytes": (3, "int64"), "checksum": (4, "string"),
    },
    "ImportDiskRequest": {
        "source_url": (1, "string"), "storage_hint": (2, "string"), "format": (3, "string"), "target_name": (4, "string"),
        "verify_checksum": (5, "bool"), "expected_checksum": (6, "string"), "credentials": (7, "map"),
        "backend_type": (8, "string"), "transfer_mode": (9, "string"), "storage_options_json": (10, "string"),
    },
    "ImportDiskResponse": {
        "disk_id": (1, "string"), "path": (2, "string"), "task": (3, "TaskRef"), "actual_size_bytes": (4, "int64"),
        "checksum": (5, "string"),
    },
    "GetDiskInfoRequest": {"vm_id": (1, "string"), "disk_id": (2, "string"), "snapshot_id": (3, "string")},
    "GetDiskInfoResponse": {
        "disk_id": (1, "string"), "format": (2, "string"), "virtual_size_bytes": (3, "int64"),
        "actual_size_bytes": (4, "int64"), "path": (5, "string"), "is_bootable": (6, "bool"),
        "snapshots": (7, ("list", "string")), "backing_file": (8, "string"), "metadata": (9, "map"),
    },
    "ListVMsRequest": {},
    "ListVMsResponse": {"vms": (1, ("list", "VMInfo"))},
    "VMInfo": {
        "id": (1, "string"), "name": (2, "string"), "power_state": (3, "string"), "ips": (4, ("list", "string")),
        "cpu": (5, "int32"), "memory_mib": (6, "int64"), "disks": (7, ("list", "DiskInfo")),
        "networks": (8, ("list", "NetworkInfo")), "provider_raw": (9, "map"),
    },
    "DiskInfo": {"id": (1, "string"), "path": (2, "string"), "size_gib": (3, "int32"), "format": (4, "string")},
    "NetworkInfo": {"name": (1, "string"), "mac": (2, "string"), "ip_address": (3, "string")},
    "GetCapabilitiesRequest": {},
    "GetCapabilitiesResponse": {
        "supports_reconfigure_online": (1, "bool"), "supports_disk_expansion_online": (2, "bool"),
        "supports_snapshots": (3, "bool"), "supports_memory_snapshots": (4, "bool"),
        "supports_linked_clones": (5, "bool"), "supports_image_import": (6, "bool"),
        "supported_disk_types": (7, ("list", "string")), "supported_network_types": (8, ("list", "string")),
        "supports_disk_export": (9, "bool"), "supports_disk_import": (10, "bool"),
        "supported_export_formats": (11, ("list", "string")), "supported_import_formats": (12, ("list", "string")),
        "supports_export_compression": (13, "bool"), "supported_export_backends": (14, ("list", "string")),
        "supported_import_backends": (15, ("list", "string")), "supported_transfer_modes": (16, ("list", "string")),
    },
}

# Calls: request and response.
CALLS = {
    "Validate": ("ValidateRequest", "ValidateResponse"),
    "Create": ("CreateRequest", "CreateResponse"),
    "Delete": ("DeleteRequest", "TaskResponse"),
    "Power": ("PowerRequest", "TaskResponse"),
    "Reconfigure": ("ReconfigureRequest", "TaskResponse"),
    "HardwareUpgrade": ("HardwareUpgradeRequest", "TaskResponse"),
    "Describe": ("DescribeRequest", "DescribeResponse"),
    "TaskStatus": ("TaskStatusRequest", "TaskStatusResponse"),
    "SnapshotCreate": ("SnapshotCreateRequest", "SnapshotCreateResponse"),
    "SnapshotDelete": ("SnapshotDeleteRequest", "TaskResponse"),
    "SnapshotRevert": ("SnapshotRevertRequest", "TaskResponse"),
    "Clone": ("CloneRequest", "CloneResponse"),
    "ImagePrepare": ("ImagePrepareRequest", "ImagePrepareResponse"),
    "GetCapabilities": ("GetCapabilitiesRequest", "GetCapabilitiesResponse"),
    "ExportDisk": ("ExportDiskRequest", "ExportDiskResponse"),
    "ImportDisk": ("ImportDiskRequest", "ImportDiskResponse"),
    "GetDiskInfo": ("GetDiskInfoRequest", "GetDiskInfoResponse"),
    "ListVMs": ("ListVMsRequest", "ListVMsResponse"),
}

ON, OFF, REBOOT, SHUTDOWN_GRACEFUL = 1, 2, 3, 4

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
ENTRY = {"key": (1, "string"), "value": (2, "string")}
NUMBERS = ("bool", "int32", "int64", "enum")


def varint(n):
    """Pack a number, a negative one as 64 bits."""
    n &= (1 << 64) - 1
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def read_varint(data, at):
    n = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("a number without an end")
        n |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not data[at - 1] & 0x80:
            return n & (1 << 64) - 1, at


def _field(number, kind, value):
    if kind in NUMBERS:
        return varint(number << 3 | VARINT) + varint(int(value))
    if kind == "string":
        value = value.encode()
    elif kind != "bytes":
        value = pack(kind, value)
    return varint(number << 3 | LENGTH) + varint(len(value)) + value


def _pack(fields, values):
    """Pack what is not empty, by the fields' numbers, maps by their keys."""
    out = b""
    unknown = set(values) - set(fields)
    if unknown:
        raise ValueError("no field %s" % ", ".join(sorted(unknown)))
    for name, (number, kind) in sorted(fields.items(), key=lambda f: f[1][0]):
        value = values.get(name)
        if kind == "map":
            for key in sorted(value or {}):
                entry = _field(1, "string", key) + _field(2, "string", value[key])
                out += varint(number << 3 | LENGTH) + varint(len(entry)) + entry
        elif isinstance(kind, tuple):
            for one in value or []:
                out += _field(number, kind[1], one)
        elif kind in MESSAGES:
            if value is not None:
                out += _field(number, kind, value)
        elif value:
            out += _field(number, kind, value)
    return out


def pack(message, values):
    return _pack(MESSAGES[message], values)


def _signed(n, kind):
    """What a number on the wire means in a field: 32 bits, or 64, or a truth."""
    if kind == "bool":
        return n != 0
    bits = 64 if kind == "int64" else 32
    n &= (1 << bits) - 1
    return n - (1 << bits) if n >> bits - 1 else n


def _empty(kind):
    if isinstance(kind, tuple):
        return []
    return {"map": {}, "string": "", "bytes": b"", "bool": False, "int32": 0, "int64": 0, "enum": 0}.get(kind)


def _skip(data, at, wire):
    if wire == VARINT:
        return read_varint(data, at)[1]
    if wire == FIXED64:
        return at + 8
    if wire == FIXED32:
        return at + 4
    if wire == LENGTH:
        size, at = read_varint(data, at)
        return at + size
    raise ValueError("wire type %d" % wire)


def _unpack(fields, data):
    by_number = {number: (name, kind) for name, (number, kind) in fields.items()}
    values = {name: _empty(kind) for name, (_, kind) in fields.items()}
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        name, kind = by_number.get(tag >> 3, (None, None))
        one = kind[1] if isinstance(kind, tuple) else kind
        wire = VARINT if one in NUMBERS else LENGTH
        if name is None or tag & 7 != wire:
            at = _skip(data, at, tag & 7)
            if at > len(data):
                raise ValueError("a field without an end")
            continue
        n, at = read_varint(data, at)
        if wire == VARINT:
            value = _signed(n, one)
        else:
            if at + n > len(data):
                raise ValueError("a field without an end")
            part, at = data[at:at + n], at + n
            if one == "string":
                value = part.decode()
            elif one == "bytes":
                value = part
            elif one == "map":
                entry = _unpack(ENTRY, part)
                values[name][entry["key"]] = entry["value"]
                continue
            else:
                value = unpack(one, part)
        if isinstance(kind, tuple):
            values[name].append(value)
        else:
            values[name] = value
    return values


def unpack(message, data):
    return _unpack(MESSAGES[message], data)
