package main

import "testing"

func TestGrowthFor_roomForLittleHeapsOnly(t *testing.T) {
	for alive, want := range map[uint64]int{0: 400, 50 << 20: 400, 256 << 20: 200, 512 << 20: 100, 8 << 30: 100} {
		if got := growthFor(alive); got != want {
			t.Errorf("%d MiB alive: %d %%, want %d", alive>>20, got, want)
		}
	}
}
