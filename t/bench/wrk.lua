-- SPDX-License-Identifier: Apache-2.0
--
-- wrk.lua [BODY [USERS]] - prints what wrk has measured, as one line of JSON
--
-- BODY   bytes that each request sends, by POST
-- USERS  each request is of the next of so many: @ in the URL is its number

-- Where there is a global function "request", wrk calls it each time.
local function go_around(users)
   local number, path = 0, wrk.path
   request = function()
      number = number % users + 1
      return wrk.format(nil, (path:gsub("@", number)))
   end
end

function init(args)
   local body, users = tonumber(args[1] or 0), tonumber(args[2] or 0)
   if body > 0 then
      wrk.method = "POST"
      wrk.body = string.rep("b", body)
   end
   if users > 0 then
      go_around(users)
   end
end

function done(summary, latency)
   local e = summary.errors
   io.write(string.format('{"requests":%d,"us":%d,"bytes":%d,' ..
      '"failed":%d,"refused":%d,"p50":%d,"p99":%d}\n',
      summary.requests, summary.duration, summary.bytes,
      e.connect + e.read + e.write + e.timeout, e.status,
      latency:percentile(50), latency:percentile(99)))
end
