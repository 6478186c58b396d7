// SPDX-License-Identifier: Apache-2.0

// Go's own network stack, without a C library: "name NAME" prints its addresses, "get ADDRESS PATH" the SHA-256
// of what a web server gives, "serve PORT" echoes on a listener of both families.
package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
)

func fail(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func name(name string) {
	list, err := net.LookupHost(name)
	if err != nil {
		fmt.Println("no address")
		return
	}
	for _, address := range list {
		fmt.Println(address)
	}
}

func get(address, path string) {
	server, err := net.Dial("tcp", address)
	fail(err)
	_, err = fmt.Fprintf(server, "GET %s HTTP/1.1\r\nConnection: close\r\n\r\n", path)
	fail(err)
	answer, err := io.ReadAll(server)
	fail(err)
	_, body, _ := bytes.Cut(answer, []byte("\r\n\r\n"))
	fmt.Printf("%x\n", sha256.Sum256(body))
}

func serve(port string) {
	listener, err := net.Listen("tcp", ":"+port)
	fail(err)
	for {
		client, err := listener.Accept()
		fail(err)
		go func() {
			io.Copy(client, client)
			client.Close()
		}()
	}
}

func main() {
	switch os.Args[1] {
	case "name":
		name(os.Args[2])
	case "get":
		get(os.Args[2], os.Args[3])
	case "serve":
		serve(os.Args[2])
	}
}
