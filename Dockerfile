# heeler alone in an empty image, to COPY from. Build the binary first: make build && docker build -t heeler .
FROM scratch
COPY target/heeler /heeler
ENTRYPOINT ["/heeler"]
