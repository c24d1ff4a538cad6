"""Machine sizes that the sandbox's region offers, and their quota families."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class VmSize:
    name: str
    family: str
    vcpus: int
    gpus: int
    memory_gb: float
    os_disk_mb: int = 1_047_552
    scratch_mb: int = 180_224

    def listed(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "family": self.family,
            "vCPUs": self.vcpus,
            "gpus": self.gpus,
            "osVhdSizeMB": self.os_disk_mb,
            "maxResourceVolumeMB": self.scratch_mb,
            "memoryGB": self.memory_gb,
            "lowPriorityCapable": True,
            "premiumIO": True,
            "estimatedVMPrices": None,
            "supportedComputeTypes": ["AmlCompute", "ComputeInstance"],
        }


SIZES = (
    VmSize("STANDARD_DS3_V2", "standardDSv2Family", 4, 0, 14.0),
    VmSize("STANDARD_DS11_V2", "standardDSv2Family", 2, 0, 14.0),
    VmSize("STANDARD_NC4AS_T4_V3", "Standard NCASv3_T4 Family", 4, 1, 28.0),
    VmSize("STANDARD_NC8AS_T4_V3", "Standard NCASv3_T4 Family", 8, 1, 56.0),
    VmSize("STANDARD_NC16AS_T4_V3", "Standard NCASv3_T4 Family", 16, 1, 110.0),
    VmSize("STANDARD_NC64AS_T4_V3", "Standard NCASv3_T4 Family", 64, 4, 440.0),
    VmSize("STANDARD_NC24ADS_A100_V4", "StandardNCADSA100v4Family", 24, 1, 220.0),
)


def size_named(name: str) -> VmSize | None:
    """Sizes are found in any letter case, as the service does."""
    return next((size for size in SIZES if size.name == name.upper()), None)
