module heeler/worker

go 1.21
