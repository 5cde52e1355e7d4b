// A program for tests: serves what its configuration says, and can be told to fail.
package main

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
)

func main() {
	address := flag.String("listen", "", "address to listen on")
	config := flag.String("config", "", "file to serve; the word FAIL in it makes the program end")
	flag.Parse()
	var text atomic.Value
	load := func() {
		read, err := os.ReadFile(*config)
		if err != nil || strings.Contains(string(read), "FAIL") {
			fmt.Println("tiny: the configuration is no good:", err)
			os.Exit(3)
		}
		text.Store(string(read))
		fmt.Println("tiny: loaded the configuration")
	}
	load()
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	go func() {
		for range hangups {
			load()
		}
	}()
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%d\n%s\n%s", os.Getpid(), os.Getenv("GREETING"), text.Load())
	})
	fmt.Println("tiny: listening on", *address)
	if err := http.ListenAndServe(*address, nil); err != nil {
		fmt.Println("tiny:", err)
		os.Exit(4)
	}
}
