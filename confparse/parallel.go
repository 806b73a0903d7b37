package confparse

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// parallel calls a worker for 0 to n-1, on all processors if that pays. It calls
// begin for each worker it needs, one after the other.
func parallel(n int, begin func() func(i int)) {
	workers := min(runtime.GOMAXPROCS(0), n/8)
	if workers < 2 {
		do := begin()
		for i := range n {
			do(i)
		}
		return
	}
	var next atomic.Int64
	var group sync.WaitGroup
	for range workers {
		do := begin()
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	group.Wait()
}
