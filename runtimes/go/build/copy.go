package main

import (
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// copy is the function's module where it may be changed, with heeler's modules beside it.
type copy struct {
	*found
	// Where the module and the package are now, and heeler's modules.
	root, folder, modules string
	// What the user gives to every go command.
	flags string
}

// unwanted folders have no part in a build, and what the kernel shows as files has no end.
var unwanted = map[string]bool{".git": true, "node_modules": true}
var kernels = map[string]bool{"/proc": true, "/sys": true, "/dev": true}

func copied(f *found, modules, place string) (*copy, error) {
	below, err := filepath.Rel(f.root, f.folder)
	if err != nil {
		return nil, err
	}
	c := &copy{found: f, root: filepath.Join(place, "function"), modules: filepath.Join(place, "modules"), flags: goFlags(f.folder)}
	c.folder = filepath.Join(c.root, below)
	if err := copyFolder(f.root, c.root); err != nil {
		return nil, err
	}
	return c, copyFolder(modules, c.modules)
}

// copyFolder copies what links lead to, as far as that is files; links to folders stay links. The place that all is copied
// to may be within.
func copyFolder(from, to string) error {
	place, err := os.Stat(filepath.Dir(to))
	if err != nil {
		return err
	}
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, below)
		if entry.IsDir() {
			info, err := entry.Info()
			if err != nil {
				return err
			}
			if unwanted[entry.Name()] || kernels[path] || os.SameFile(info, place) {
				return filepath.SkipDir
			}
			return os.MkdirAll(target, 0o755)
		}
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return nil // a link that leads nowhere
		case info.IsDir():
			real, err := filepath.EvalSymlinks(path)
			if err != nil {
				return err
			}
			return os.Symlink(real, target)
		case !info.Mode().IsRegular():
			return nil
		}
		return copyFile(path, target)
	})
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(target, source); err != nil {
		target.Close()
		return err
	}
	return target.Close()
}

// run calls the go command in the copy.
func (c *copy) run(args ...string) error {
	command := c.command(args...)
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	return command.Run()
}

func (c *copy) command(args ...string) *exec.Cmd {
	command := exec.Command("go", args...)
	command.Dir = c.root
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS="+c.flags+" -mod=mod")
	return command
}

// goFlags are GOFLAGS of the environment, or what `go env -w` has set.
func goFlags(folder string) string {
	command := exec.Command("go", "env", "GOFLAGS")
	command.Dir = folder
	said, _ := command.Output()
	return strings.TrimSpace(string(said))
}
