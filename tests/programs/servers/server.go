// server PORT: an HTTP server of Go's standard library: net/http, a goroutine for each connection and
// more of them that make work for the garbage collector. It answers as threads.c does, and
// /collections with how often garbage was collected.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

var served uint64

// Garbage, made by several goroutines at once and added up, so that it is not left out.
func litter(amount int) int {
	var group sync.WaitGroup
	sums := make(chan int, 4)
	for worker := 0; worker < 4; worker++ {
		group.Add(1)
		go func() {
			defer group.Done()
			lists := make(map[int][]byte)
			for number := 0; number < 16; number++ {
				lists[number] = make([]byte, amount/16+1)
			}
			sums <- len(lists)
		}()
	}
	group.Wait()
	close(sums)
	total := 0
	for sum := range sums {
		total += sum
	}
	return total
}

func bytes(answer http.ResponseWriter, request *http.Request) {
	length, err := strconv.Atoi(strings.TrimPrefix(request.URL.Path, "/bytes/"))
	if err != nil || length < 0 || litter(length) != 64 {
		http.NotFound(answer, request)
		return
	}
	body := make([]byte, length)
	for at := range body {
		body[at] = byte(at % 251)
	}
	answer.Header().Set("Content-Length", strconv.Itoa(length))
	if _, err := answer.Write(body); err == nil {
		atomic.AddUint64(&served, 1)
	}
}

func main() {
	http.HandleFunc("/bytes/", bytes)
	http.HandleFunc("/served", func(answer http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(answer, atomic.LoadUint64(&served))
	})
	http.HandleFunc("/collections", func(answer http.ResponseWriter, _ *http.Request) {
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		fmt.Fprint(answer, memory.NumGC)
	})
	log.Fatal(http.ListenAndServe(":"+os.Args[1], nil))
}
