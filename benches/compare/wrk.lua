-- The arguments after the address are the method, the body or how many bytes it has, and headers.
-- The last line of the output is all figures as JSON: wrk's own lines change units with size.
function init(args)
    wrk.method = args[1]
    local bytes = tonumber(args[2])
    if bytes ~= 0 then
        wrk.body = bytes and string.rep("x", bytes) or args[2]
        wrk.headers["Content-Type"] = "application/octet-stream"
    end
    for at = 3, #args do
        local name, value = args[at]:match("^([^:]+): (.*)$")
        wrk.headers[name] = value
    end
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '{"calls": %d, "seconds": %.6f, "p50_us": %d, "p99_us": %d, '
            .. '"errors": {"status": %d, "connect": %d, "read": %d, "write": %d, "timeout": %d}}\n',
        summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
        errors.status, errors.connect, errors.read, errors.write, errors.timeout))
end
