// heeler-go-build makes a program of a folder with a Go function: the package's own main if it has one, else one that
// serves its Handle, its New, or what it registers. It works in a copy: the folder stays as it is.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const usage = `heeler-go-build [-o FILE] [-func NAME] [-modules FOLDER] [FOLDER]
makes a static program of the Go function in FOLDER (here, if none is named), for heeler's warm mode
`

// order is what is to be built.
type order struct{ folder, out, function, modules string }

func main() {
	var o order
	flag.StringVar(&o.out, "o", "/home/app/function", "the program that is made")
	flag.StringVar(&o.function, "func", firstOf(os.Getenv("FUNC_HANDLER"), os.Getenv("FUNCTION_TARGET")), "the exported function to serve, where it is neither Handle nor New")
	flag.StringVar(&o.modules, "modules", beside(), "the folder with heeler's Go modules")
	flag.Usage = func() {
		fmt.Fprint(os.Stderr, usage)
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 1 {
		flag.Usage()
		os.Exit(2)
	}
	o.folder = firstOf(flag.Arg(0), ".")
	if err := o.build(); err != nil {
		fmt.Fprintf(os.Stderr, "heeler-go-build: %v\n", err)
		os.Exit(1)
	}
}

func (o order) build() error {
	if _, err := exec.LookPath("go"); err != nil {
		return fmt.Errorf("the go command is needed, and is not in PATH")
	}
	if _, err := os.Stat(filepath.Join(o.modules, "worker", "go.mod")); err != nil {
		return fmt.Errorf("heeler's Go modules are not in %s; -modules says where they are", o.modules)
	}
	out, err := filepath.Abs(o.out)
	if err != nil {
		return err
	}
	found, err := find(o.folder, o.function)
	if err != nil {
		return err
	}
	place, err := os.MkdirTemp("", "heeler-go-build-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(place)
	c, err := copied(found, o.modules, place)
	if err != nil {
		return err
	}
	target, err := c.generate()
	if err != nil {
		return err
	}
	if err := c.prepare(); err != nil {
		return err
	}
	if err := c.run("build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, target); err != nil {
		return fmt.Errorf("%s does not compile", found.folder)
	}
	fmt.Printf("%s: %s\n", o.out, found.served)
	return nil
}

// beside is where the modules are by default: beside this program, or where heeler's images have them.
func beside() string {
	if own, err := os.Executable(); err == nil {
		near := filepath.Join(filepath.Dir(own), "..", "lib", "heeler", "go")
		if _, err := os.Stat(near); err == nil {
			return near
		}
	}
	return "/usr/lib/heeler/go"
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}
