package main

import (
	"sync"
	"time"
)

// every calls do at each interval; the returned function ends that, waits for
// a call under way, and calls last if do was ever called.
func every(interval time.Duration, do, last func()) (stop func()) {
	var mu sync.Mutex
	called, ended := false, false
	var timer *time.Timer
	mu.Lock()
	defer mu.Unlock()
	timer = time.AfterFunc(interval, func() {
		mu.Lock()
		defer mu.Unlock()
		if ended {
			return
		}
		called = true
		do()
		timer.Reset(interval)
	})
	return func() {
		mu.Lock()
		defer mu.Unlock()
		ended = true
		timer.Stop()
		if called {
			last()
		}
	}
}
