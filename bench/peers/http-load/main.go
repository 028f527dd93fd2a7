// http-load is the fast half of the proxy benchmark: an upstream that is never the bottleneck, and a load generator.
//
// Both are one thread around epoll, since everything but the proxy under test shares one core. Each prints one line of JSON.
//
//	http-load serve                                       {"port":40001}
//	http-load load -port P -host H -source S -seconds 3   {"requests":…,"seconds":…,"errors":…,"p50":…,"p99":…}
//
// The upstream takes HTTP/1.1 and HTTP/2 on one port; `http-load load -help` lists what the load generator can do.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
)

func main() {
	runtime.GOMAXPROCS(1)
	runtime.LockOSThread()
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: http-load serve | load [flags]"))
	}
	switch os.Args[1] {
	case "serve":
		fail(serve())
	case "load":
		fail(load(os.Args[2:]))
	default:
		fail(fmt.Errorf("unknown command %q", os.Args[1]))
	}
}

func say(value any) {
	if err := json.NewEncoder(os.Stdout).Encode(value); err != nil {
		fail(err)
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "http-load:", err)
		os.Exit(1)
	}
}
