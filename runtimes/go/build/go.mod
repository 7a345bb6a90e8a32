module heeler/build

go 1.21
