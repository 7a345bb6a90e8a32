package main

import (
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// copy is the function's module where it may be changed, with heeler's modules beside it.
type copy struct {
	*found
	// Where the module and the package are now, and heeler's modules.
	root, folder, modules string
}

// unwanted folders have no part in a build.
var unwanted = map[string]bool{".git": true, "node_modules": true}

func copied(f *found, modules, place string) (*copy, error) {
	below, err := filepath.Rel(f.root, f.folder)
	if err != nil {
		return nil, err
	}
	c := &copy{found: f, root: filepath.Join(place, "function"), modules: filepath.Join(place, "modules")}
	c.folder = filepath.Join(c.root, below)
	if err := copyFolder(f.root, c.root); err != nil {
		return nil, err
	}
	return c, copyFolder(modules, c.modules)
}

// copyFolder copies what links lead to, as far as that is files; links to folders stay links.
func copyFolder(from, to string) error {
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
			if unwanted[entry.Name()] {
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
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=mod")
	return command
}
