// SPDX-License-Identifier: Apache-2.0

// Command fetch: "serve ADDRESS" counts the bytes of each request; "get URL" fetches it 20 times at once, then
// connects to where nobody answers.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

func serve(address string) error {
	return http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprintln(w, n)
	}))
}

func get(url string) error {
	var group sync.WaitGroup
	var total atomic.Int64

	for i := 0; i < 20; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			response, err := http.Get(url)
			if err != nil {
				fmt.Println(err)
				return
			}
			n, _ := io.Copy(io.Discard, response.Body)
			response.Body.Close()
			total.Add(n)
		}()
	}
	group.Wait()
	_, err := net.DialTimeout("tcp", "198.51.100.1:80", time.Second)
	if e, ok := err.(net.Error); ok && e.Timeout() {
		err = fmt.Errorf("timeout")
	}
	fmt.Println(total.Load(), err)
	return nil
}

func main() {
	run := map[string]func(string) error{"serve": serve, "get": get}[os.Args[1]]
	if err := run(os.Args[2]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
