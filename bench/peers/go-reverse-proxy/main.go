// go-reverse-proxy is the usual Go forward-by-Host proxy: net/http/httputil.ReverseProxy over one shared transport.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"runtime"
)

func main() {
	runtime.GOMAXPROCS(1)
	transport := &http.Transport{MaxIdleConns: 1024, MaxIdleConnsPerHost: 1024, DisableCompression: true}
	proxy := &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme = "http"
			r.Out.URL.Host = r.In.Host
			r.Out.Header.Del("Fence-Source")
			r.Out.Header.Del("Slime-Orig-Dest")
			r.Out.Header.Del("Slime-Source-Ns")
		},
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("{\"port\":%d}\n", listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(http.Serve(listener, proxy))
}
