package meta_test

import (
	"fmt"
	"os"

	"drbdutils/meta"
)

// Create metadata at the end of a disk image, mark the first MiB of the data as
// out of sync, and see what a peer misses.
func Example() {
	image, err := os.CreateTemp("", "image")
	if err != nil {
		panic(err)
	}
	defer os.Remove(image.Name())
	const size = 64 << 20
	if err := image.Truncate(size); err != nil {
		panic(err)
	}

	geometry := meta.DefaultGeometry
	geometry.MaxPeers = 3
	img, err := meta.Create(image, size, meta.CreateOptions{
		Version: meta.V09, Index: meta.FlexInternal, Geometry: geometry, EffectiveSize: 100000,
	})
	if err != nil {
		panic(err)
	}
	fmt.Println("data end at byte", img.Place.Start)
	if err := img.Bitmap().Set(1, 0, 256); err != nil {
		panic(err)
	}
	for run, err := range img.Bitmap().Runs(1) {
		fmt.Println(run.Count*int64(img.Super.BytesPerBit), "bytes from bit", run.First, err)
	}
	// Output:
	// data end at byte 67063808
	// 1048576 bytes from bit 0 <nil>
}
