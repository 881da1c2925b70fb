-- PUTs of unique names and unique contents, of 10 KiB where no size is named; GETs of one file.
-- wrk calls these functions.
local sent, bytes, run = 0, "", 0

function init(arguments)
  prefix, run, work = arguments[1], arguments[2], arguments[3]
  math.randomseed(tonumber(run))
  local all = {}
  for at = 1, tonumber(arguments[4] or 10240) - 32 do all[at] = string.char(math.random(0, 255)) end
  bytes = table.concat(all)
end

function request()
  sent = sent + 1
  if work == "get" then return wrk.format("GET", prefix .. "small") end
  local unique = string.format("%s%016d%015d", string.char(128 + sent % 128), tonumber(run), sent)
  return wrk.format("PUT", prefix .. run .. "-" .. sent, nil, unique .. bytes)
end
