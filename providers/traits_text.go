package providers

import (
	"slices"
	"strconv"
)

// ValidTrait tells whether a trait can have the text. A field that is no trait
// has none.
func ValidTrait(f Field, text string) bool {
	switch f.Template() {
	case FieldCPUHotAdd, FieldMemoryHotAdd, FieldSecureBoot, FieldTPM, FieldVTd, FieldVBS, FieldNestedVirt:
		return text == "true" || text == "false"
	case FieldCPULimit, FieldCPUReservation, FieldCPUShares, FieldMemoryLimit, FieldMemoryReservation,
		FieldDiskBus, FieldNICSlot:
		n, err := strconv.ParseInt(text, 10, 64)
		return err == nil && strconv.FormatInt(n, 10) == text
	case FieldDiskType:
		return provision(text)
	case FieldDiskController:
		return slices.Contains([]string{"lsilogic", "buslogic", "lsilogic-sas", "pvscsi"}, text)
	case FieldDiskSharing:
		return slices.Contains([]string{"noSharing", "virtualSharing", "physicalSharing"}, text)
	case FieldExtraConfig:
		return f.Name() != ""
	}
	return false
}
