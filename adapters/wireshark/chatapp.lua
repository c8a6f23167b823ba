-- Dissects the ChatApp protocol, version 3, in Wireshark and tshark.
-- Fields are named as in core/PROTOCOL.md.
--
-- The dissector decrypts with the key log of a program that took part (--keylog FILE): set the
-- preference "Key log", or call tshark with -o chatapp.keylog:FILE. It decrypts Data, the stored
-- messages in Data, and the handshakes that this program initiated or answered.

local VERSION = 3
local DATA = 8
local HEADER_LEN, SHORT_TAG_LEN, TAG_LEN, KEY_LEN, MEDIUM_ID_LEN = 10, 8, 16, 32, 2
local REKEY_AFTER = 65536

local KINDS = {
    [0] = "Unsupported", "CookieRequest", "Cookie", "ClientHello", "PeerHello", "Accept", "Refuse",
    "Reset", "Data",
}
local FRAMES = {
    [0] = "Text", "Store", "Post", "Leave", "Lookup", "Result", "Receipt", "Mail", "Channel",
    "Skipped", "Page", "Found", "Missing", "Partial", "MailDelta", "ChannelDelta",
}
local MAIL, CHANNEL = 7, 8
local REASONS = {
    [0] = "wait", "name taken", "evicted", "room full", "not stored", "bad name", "not me",
    "rate exceeded", "foreign key", "not allowed", "banned",
}
local BANNED = 10
local OUTCOMES = {
    [0] = "saved", "exists", "full", "no such client", "not stored", "left", "muted",
}
local STATUSES = { [0] = "offline", "online", "gone" }
local ANSWERS = { [0] = "accepted", "refused" }

---- ChaCha20-Poly1305 (RFC 8439), under the nonces of Noise ----

local band, bxor, rol, tobit = bit.band, bit.bxor, bit.rol, bit.tobit

local function word(bytes, at)
    local a, b, c, d = bytes:byte(at, at + 3)
    return tobit(a + b * 0x100 + c * 0x10000 + d * 0x1000000)
end

local function quarter_round(x, a, b, c, d)
    x[a] = tobit(x[a] + x[b]); x[d] = rol(bxor(x[d], x[a]), 16)
    x[c] = tobit(x[c] + x[d]); x[b] = rol(bxor(x[b], x[c]), 12)
    x[a] = tobit(x[a] + x[b]); x[d] = rol(bxor(x[d], x[a]), 8)
    x[c] = tobit(x[c] + x[d]); x[b] = rol(bxor(x[b], x[c]), 7)
end

-- 64 bytes of the key stream; the nonce is four zeros and the 8 bytes of a counter.
local function key_stream(key, nonce, block)
    local start = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 }
    for i = 0, 7 do start[5 + i] = word(key, 1 + 4 * i) end
    start[13], start[14], start[15], start[16] = block, 0, word(nonce, 1), word(nonce, 5)
    local x = {}
    for i = 1, 16 do x[i] = start[i] end
    for _ = 1, 10 do
        quarter_round(x, 1, 5, 9, 13); quarter_round(x, 2, 6, 10, 14)
        quarter_round(x, 3, 7, 11, 15); quarter_round(x, 4, 8, 12, 16)
        quarter_round(x, 1, 6, 11, 16); quarter_round(x, 2, 7, 12, 13)
        quarter_round(x, 3, 8, 9, 14); quarter_round(x, 4, 5, 10, 15)
    end
    local bytes = {}
    for i = 1, 16 do
        local sum = tobit(x[i] + start[i]) % 0x100000000
        for _ = 1, 4 do
            bytes[#bytes + 1] = sum % 0x100
            sum = math.floor(sum / 0x100)
        end
    end
    return bytes
end

local function decrypt(key, nonce, encrypted)
    local plain = {}
    for start = 1, #encrypted, 64 do
        local stream = key_stream(key, nonce, 1 + math.floor(start / 64))
        local part = { encrypted:byte(start, start + 63) }
        for i = 1, #part do part[i] = bxor(part[i], stream[i]) end
        plain[#plain + 1] = string.char((table.unpack or unpack)(part))
    end
    return table.concat(plain)
end

-- Integers of 130 bits in 10 limbs: products of two limbs, and sums of them, are exact.
local LIMB_BITS, LIMBS, LIMB = 13, 10, 8192

local function limbs(bytes)
    local result, rest, bits = {}, 0, 0
    for i = 1, #bytes do
        rest = rest + bytes[i] * 2 ^ bits
        bits = bits + 8
        if bits >= LIMB_BITS then
            result[#result + 1] = rest % LIMB
            rest = math.floor(rest / LIMB)
            bits = bits - LIMB_BITS
        end
    end
    result[#result + 1] = rest
    while #result < LIMBS do result[#result + 1] = 0 end
    return result
end

-- Brings all limbs to 13 bits; returns the carry out of 130 bits.
local function carry(h)
    local over = 0
    for i = 1, LIMBS do
        local sum = h[i] + over
        h[i] = sum % LIMB
        over = math.floor(sum / LIMB)
    end
    return over
end

-- 2^130 is 5.
local function reduce(h)
    local over = carry(h)
    h[1] = h[1] + 5 * over
end

local function poly1305(one_time_key, message)
    local r_bytes = {}
    for i = 1, 16 do r_bytes[i] = one_time_key[i] end
    for _, i in ipairs({ 4, 8, 12, 16 }) do r_bytes[i] = band(r_bytes[i], 0x0f) end
    for _, i in ipairs({ 5, 9, 13 }) do r_bytes[i] = band(r_bytes[i], 0xfc) end
    local r, h = limbs(r_bytes), limbs({})
    for start = 1, #message, 16 do
        local block = { message:byte(start, start + 15) }
        block[#block + 1] = 1
        local m, product = limbs(block), {}
        for i = 1, LIMBS do h[i] = h[i] + m[i] end
        for i = 1, LIMBS do
            local low, high = 0, 0
            for j = 1, i do low = low + h[j] * r[i - j + 1] end
            for j = i + 1, LIMBS do high = high + h[j] * r[i - j + 1 + LIMBS] end
            product[i] = low + 5 * high
        end
        h = product
        reduce(h)
        reduce(h)
    end
    reduce(h)
    local reduced = {}
    for i = 1, LIMBS do reduced[i] = h[i] end
    reduced[1] = reduced[1] + 5
    if carry(reduced) > 0 then h = reduced end
    -- Plus the second half of the key, in bytes.
    local tag, rest, bits, limb, over = {}, 0, 0, 1, 0
    for i = 1, 16 do
        while bits < 8 and limb <= LIMBS do
            rest = rest + h[limb] * 2 ^ bits
            bits = bits + LIMB_BITS
            limb = limb + 1
        end
        local sum = rest % 0x100 + one_time_key[16 + i] + over
        rest = math.floor(rest / 0x100)
        bits = bits - 8
        tag[i] = string.char(sum % 0x100)
        over = math.floor(sum / 0x100)
    end
    return table.concat(tag)
end

local function padded(bytes)
    return bytes .. string.rep("\0", -#bytes % 16)
end

local function fixed(number)
    local bytes = {}
    for i = 1, 8 do
        bytes[i] = string.char(number % 0x100)
        number = math.floor(number / 0x100)
    end
    return table.concat(bytes)
end

-- Decrypts; nil if the tag is that of another key.
local function open(key, nonce, associated, encrypted, tag)
    local one_time_key = key_stream(key, nonce, 0)
    local lengths = fixed(#associated) .. fixed(#encrypted)
    local message = padded(associated) .. padded(encrypted) .. lengths
    if poly1305(one_time_key, message) ~= tag then return nil end
    return decrypt(key, nonce, encrypted)
end

-- The key that follows a key: Rekey of Noise.
local function rekey(key)
    return decrypt(key, string.rep("\255", 8), string.rep("\0", KEY_LEN))
end

---- The key log ----

local chatapp = Proto("chatapp", "ChatApp")
chatapp.prefs.keylog = Pref.string("Key log", "", "File that ChatApp writes with --keylog")

-- The log as far as it was read: its keys, its first line, the offset behind the last whole line.
local key_log = { sessions = {}, handshakes = {}, messages = {}, first = nil, read_to = 0 }

local function from_hex(text)
    return (text:gsub("%x%x", function(byte) return string.char(tonumber(byte, 16)) end))
end

local function note(line)
    local id, session_key = line:match("^SESSION (%x+) (%x+)$")
    local part_id, handshake_key, transcript = line:match("^HANDSHAKE (%x+) (%x+) (%x+)$")
    local message_key = line:match("^MESSAGES %x+ %S+ (%x+)$")
    if id then
        local keys = key_log.sessions[id] or {}
        keys[#keys + 1] = { [0] = from_hex(session_key) }
        key_log.sessions[id] = keys
    elseif part_id then
        local parts = key_log.handshakes[part_id] or {}
        parts[#parts + 1] = { key = from_hex(handshake_key), transcript = from_hex(transcript) }
        key_log.handshakes[part_id] = parts
    elseif message_key then
        key_log.messages[#key_log.messages + 1] = from_hex(message_key)
    end
end

-- Reads what was appended to the log since the last call; returns whether there was anything.
-- An incomplete line is left for the next call. A log with another first line is a new one: it is
-- read from its beginning.
local function read_on()
    local file = chatapp.prefs.keylog ~= "" and io.open(chatapp.prefs.keylog, "rb")
    if not file then return false end
    local size, whole = file:seek("end"), nil
    file:seek("set", 0)
    local first = file:read("*l")
    if first ~= key_log.first or size < key_log.read_to then key_log.read_to = 0 end
    if size > key_log.read_to then
        file:seek("set", key_log.read_to)
        whole = file:read("*a"):match("^.*\n")
    end
    file:close()
    if not whole then return false end
    for line in whole:gmatch("[^\r\n]+") do note(line) end
    key_log.first, key_log.read_to = first, key_log.read_to + #whole
    return true
end

local function read_key_log()
    key_log.sessions, key_log.handshakes, key_log.messages = {}, {}, {}
    key_log.first, key_log.read_to = nil, 0
    read_on()
end

-- Makes an attempt with the keys that are known. While a capture runs, keys can be appended to the
-- log: if the attempt fails and the log has grown, reads the rest and tries again.
local function with_keys(attempt)
    local result = attempt()
    if not result and read_on() then result = attempt() end
    return result
end

function chatapp.init() read_key_log() end

function chatapp.prefs_changed() read_key_log() end

local function decrypt_data(tvb)
    local id = tvb(2, 8):le_uint64():tohex()
    local counter = tvb(10, 8):le_uint64():tonumber()
    local epoch = math.floor(counter / REKEY_AFTER)
    local raw = tvb:raw()
    local associated, encrypted, tag = raw:sub(1, 18), raw:sub(19, -TAG_LEN - 1), raw:sub(-TAG_LEN)
    return with_keys(function()
        for _, chain in ipairs(key_log.sessions[id] or {}) do
            for i = #chain + 1, epoch do chain[i] = rekey(chain[i - 1]) end
            local plain = open(chain[epoch], raw:sub(11, 18), associated, encrypted, tag)
            if plain then return plain end
        end
    end)
end

-- Decrypts a part of a handshake. Its three parts have different keys; the answer can be repeated.
local function decrypt_part(id, part)
    local encrypted, tag = part:sub(1, -TAG_LEN - 1), part:sub(-TAG_LEN)
    return with_keys(function()
        for _, with in ipairs(key_log.handshakes[id] or {}) do
            local plain = open(with.key, fixed(0), with.transcript, encrypted, tag)
            if plain then return plain end
        end
    end)
end

local function decrypt_message(message, counter)
    local encrypted, tag = message:sub(1, -TAG_LEN - 1), message:sub(-TAG_LEN)
    return with_keys(function()
        for _, key in ipairs(key_log.messages) do
            local plain = open(key, fixed(counter), "", encrypted, tag)
            if plain then return plain end
        end
    end)
end

---- Fields ----

local fields = {}

local function field_called(abbreviation, kind, name, ...)
    local made = ProtoField[kind]("chatapp." .. abbreviation, name, ...)
    fields[#fields + 1] = made
    return made
end

local function field(kind, name, ...)
    return field_called(name:gsub("[ ,]+", "_"), kind, name, ...)
end

local F = {
    version = field("uint8", "version"),
    kind = field("uint8", "kind", base.DEC, KINDS),
    session_id = field("uint64", "session id", base.HEX),
    zeros = field("bytes", "zeros"),
    issued_at = field("uint64", "issued at"),
    mac = field("uint64", "mac", base.HEX),
    key = field("bytes", "key"),
    to_incarnation = field("uint64", "to incarnation", base.HEX),
    e = field("bytes", "e"),
    encrypted_s = field("bytes", "s, encrypted"),
    s = field("bytes", "s"),
    encrypted_payload = field("bytes", "payload, encrypted"),
    roster_epoch = field("uint64", "roster epoch", base.HEX),
    epoch = field("uint64", "epoch", base.HEX),
    mail_shown = field("uint64", "mail shown"),
    channel_shown = field("uint64", "channel shown"),
    roster_capacity = field("uint64", "roster capacity"),
    session_sequence = field("uint64", "session sequence"),
    from_incarnation = field("uint64", "from incarnation", base.HEX),
    answer = field("uint8", "answer", base.DEC, ANSWERS),
    id = field("uint64", "id", base.HEX),
    ephemeral_key = field("bytes", "ephemeral key"),
    reason = field("uint8", "reason", base.DEC, REASONS),
    ban_ends = field("uint64", "ban ends"),
    reset_token = field("bytes", "reset token"),
    short_tag = field("uint64", "short tag", base.HEX),
    counter = field("uint64", "counter"),
    encrypted = field("bytes", "encrypted"),
    tag = field("bytes", "tag"),
    flags = field("uint8", "flags", base.HEX),
    nack = field("bool", "nack", 8, nil, 1),
    probe = field("bool", "probe", 8, nil, 2),
    has_version = field("bool", "roster version follows", 8, nil, 4),
    closes = field("bool", "closed", 8, nil, 8),
    has_cookie = field("bool", "cookie follows", 8, nil, 16),
    is_padded = field("bool", "padded", 8, nil, 128),
    acknowledged = field("uint64", "acknowledged"),
    window = field("uint64", "window"),
    first = field("uint64", "first"),
    padding = field("bytes", "padding"),
    roster_version = field("uint64", "roster version"),
    frame = field("uint8", "frame", base.DEC, FRAMES),
    length = field("uint64", "length"),
    ciphertext = field("bytes", "ciphertext"),
    medium_id = field("bytes", "id of a medium-term key"),
    medium_key = field("bytes", "medium-term key"),
    stored_message = field("bytes", "stored message"),
    text = field("string", "text"),
    request = field("uint64", "request"),
    tried = field("uint64", "tried", base.HEX),
    bounce = field("bool", "bounce"),
    to = field("string", "to"),
    query = field("uint64", "query"),
    name = field("string", "name"),
    outcome = field("uint8", "outcome", base.DEC, OUTCOMES),
    number = field("uint64", "number"),
    incarnation = field("uint64", "incarnation", base.HEX),
    timestamp = field("absolute_time", "timestamp", base.UTC),
    stored = field("bool", "stored"),
    from = field("string", "from"),
    count = field("uint64", "count"),
    page_version = field_called("page_version", "uint64", "version"),
    restart = field("bool", "restart"),
    complete = field("bool", "complete"),
    status = field("uint8", "status", base.DEC, STATUSES),
    address = field("bytes", "address"),
    ipv4 = field("ipv4", "IPv4 address"),
    ipv6 = field("ipv6", "IPv6 address"),
    port = field("uint16", "port"),
}

chatapp.fields = fields

local malformed = ProtoExpert.new(
    "chatapp.malformed", "not as the protocol says", expert.group.MALFORMED, expert.severity.ERROR
)
chatapp.experts = { malformed }

---- A place in a datagram that moves on with each field ----

local Cursor = {}
Cursor.__index = Cursor

local function cursor(tvb, tree, stop)
    return setmetatable({ tvb = tvb, tree = tree, at = 0, stop = stop or tvb:len() }, Cursor)
end

function Cursor:left() return self.stop - self.at end

-- The next bytes. Too few raise an error, which the caller shows.
function Cursor:take(len)
    if len > self:left() then error("too short") end
    local range = self.tvb(self.at, len)
    self.at = self.at + len
    return range
end

function Cursor:bytes(item, len)
    local range = self:take(len)
    self.tree:add(item, range)
    return range:raw()
end

function Cursor:byte(item)
    local range = self:take(1)
    return range:uint(), self.tree:add(item, range)
end

function Cursor:fixed(item)
    local range = self:take(8)
    return self.tree:add_le(item, range)
end

-- A varint, which can be a difference: the sum is shown. Only numbers of the server do not wrap.
function Cursor:varint(item, from)
    local start, value, place = self.at, 0, 1
    repeat
        local byte = self:take(1):uint()
        value = value + byte % 0x80 * place
        place = place * 0x80
    until byte < 0x80
    if from then value = value + from end
    if from and item ~= F.number then value = value % 0x100000000 end
    local range = self.tvb(start, self.at - start)
    if item == F.timestamp then
        self.tree:add(item, range, NSTime.new(value, 0))
    elseif item == F.port then
        self.tree:add(item, range, value)
    elseif item then
        self.tree:add(item, range, UInt64.new(value % 0x100000000, math.floor(value / 0x100000000)))
    end
    return value, range
end

function Cursor:string(item)
    local start = self.at
    local len = self:varint()
    self:take(len)
    local range = self.tvb(start, self.at - start)
    local value = len == 0 and "" or self.tvb(self.at - len, len):string(ENC_UTF_8)
    self.tree:add(item, range, value)
    return value
end

function Cursor:cookie()
    self:fixed(F.issued_at)
    self:fixed(F.mac)
end

function Cursor:address()
    local tree, start = self.tree, self.at
    self.tree = tree:add(F.address, self.tvb(start))
    local branch = self.tree
    if self:take(1):uint() == 0 then
        branch:add(F.ipv4, self:take(4))
    else
        branch:add(F.ipv6, self:take(16))
    end
    self:varint(F.port)
    branch:set_len(self.at - start)
    self.tree = tree
end

function Cursor:entry(key)
    self:string(F.name)
    self:byte(F.status)
    self:fixed(F.incarnation)
    self:bytes(key or F.key, KEY_LEN)
    self:address()
end

-- Whether the ephemeral key here says that the id of a medium-term key is in front of the text.
function Cursor:is_marked()
    return self.tvb(self.at + KEY_LEN - 1, 1):uint() >= 0x80
end

-- An encrypted message, with its text if the key log has its key; a stored one begins with `e`.
function Cursor:message(item, counter, has_id)
    local len = self:varint(F.length)
    local range = self:take(len)
    local branch = self.tree:add(item, range)
    local message = range:raw()
    local at = 0
    if item == F.stored_message then
        branch:add(F.e, range(0, KEY_LEN))
        at = KEY_LEN
        has_id = range(KEY_LEN - 1, 1):uint() >= 0x80
    end
    if has_id and len >= at + MEDIUM_ID_LEN then
        branch:add(F.medium_id, range(at, MEDIUM_ID_LEN))
        at = at + MEDIUM_ID_LEN
    end
    message = message:sub(at + 1)
    local text = #message >= TAG_LEN and decrypt_message(message, counter)
    -- The time of the sender is behind the text.
    if text then branch:add(F.text, range, text:sub(1, -5)):set_generated() end
end

-- An encrypted part of a handshake; its content is read if the key log has its key.
function Cursor:part(item, len, read)
    local range = self:take(len)
    local branch = self.tree:add(item, range)
    local plain = decrypt_part(self.id, range:raw())
    if not plain then return nil end
    local decrypted = ByteArray.new(plain, true):tvb("Decrypted")
    local c = cursor(decrypted, branch:add(chatapp, decrypted(), "Decrypted"))
    local what = read(c)
    if c:left() > 0 then error("too long") end
    return what
end

-- The first message of a handshake.
function Cursor:first_message(read)
    self:bytes(F.e, KEY_LEN)
    self:part(F.encrypted_s, KEY_LEN + TAG_LEN, function(c) c:bytes(F.s, KEY_LEN) end)
    return self:part(F.encrypted_payload, self:left(), read)
end

---- Payloads of handshakes; each returns a summary ----

local function read_client_hello(c)
    c:fixed(F.incarnation)
    c:fixed(F.roster_epoch)
    c:varint(F.roster_version)
    c:fixed(F.epoch)
    c:varint(F.mail_shown)
    c:varint(F.channel_shown)
    c:varint(F.roster_capacity)
    c:varint(F.session_sequence)
    c:varint(F.window)
    c:bytes(F.reset_token, TAG_LEN)
    return c:string(F.name)
end

local function read_peer_hello(c)
    c:fixed(F.from_incarnation)
    c:varint(F.session_sequence)
    c:varint(F.window)
    c:bytes(F.reset_token, TAG_LEN)
    local from = c:string(F.from)
    c:string(F.to)
    return from
end

local function read_reason(c)
    local reason = c:byte(F.reason)
    if reason == BANNED then c:varint(F.ban_ends) end
    return REASONS[reason]
end

local function read_answer(c)
    local answer = c:byte(F.answer)
    if answer == 1 then return read_reason(c) end
    if answer ~= 0 then error("no such answer") end
    c:fixed(F.id)
    c:fixed(F.epoch)
    c:fixed(F.roster_epoch)
    c:varint(F.window)
    c:bytes(F.reset_token, TAG_LEN)
    return ANSWERS[answer]
end

---- Frames ----

-- The fields of a Mail or Channel; returns those that a delta frame omits.
local function complete(c, kind)
    local row = { kind = kind, number = c:varint(F.number) }
    row.incarnation = c.tvb(c.at, 8):le_uint64()
    c:fixed(F.incarnation)
    row.counter, row.timestamp = c:varint(F.counter), c:varint(F.timestamp)
    c:byte(F.stored)
    if kind == MAIL then c:bytes(F.key, KEY_LEN) end
    row.from = c:string(F.from)
    if kind == MAIL then
        row.has_id = c:is_marked()
        c:bytes(F.ephemeral_key, KEY_LEN)
    end
    return row
end

-- The fields of a delta frame; the omitted ones come from the frame before.
local function delta(c, kind)
    local before = c.before
    if not before or before.kind ~= kind then error("nothing to count from") end
    local row = { kind = kind, incarnation = before.incarnation, from = before.from }
    row.has_id = before.has_id
    row.number = c:varint(F.number, before.number)
    row.counter = c:varint(F.counter, before.counter)
    row.timestamp = c:varint(F.timestamp, before.timestamp)
    c:byte(F.stored)
    c.tree:add(F.incarnation, row.incarnation):set_generated()
    c.tree:add(F.from, row.from):set_generated()
    return row
end

local function mail(c, read)
    local row = read(c, MAIL)
    c:message(F.ciphertext, row.counter, row.has_id)
    return row
end

local function channel(c, read)
    local row = read(c, CHANNEL)
    c:string(F.text)
    return row
end

-- Each returns the fields that a delta frame behind it omits, if any.
local dissect_frame = {
    [0] = function(c) c:varint(F.counter); c:string(F.text) end,
    function(c)
        c:varint(F.request)
        local counter = c:varint(F.counter)
        c:fixed(F.tried)
        c:byte(F.bounce)
        -- A message without a recipient publishes a medium-term key.
        if c:string(F.to) ~= "" then return c:message(F.stored_message, counter) end
        local stop = c:varint(F.length) + c.at
        c:bytes(F.medium_key, KEY_LEN)
        if stop < c.at or stop > c.stop then error("no such publication") end
        c:take(stop - c.at)
    end,
    function(c) c:varint(F.request); c:varint(F.counter); c:string(F.text) end,
    function(c) c:varint(F.request) end,
    function(c) c:varint(F.query); c:string(F.name) end,
    function(c) c:varint(F.request); c:byte(F.outcome) end,
    function(c) c:string(F.to); c:varint(F.counter) end,
    function(c) return mail(c, complete) end,
    function(c) return channel(c, complete) end,
    function(c) c:varint(F.count) end,
    function(c)
        c:varint(F.page_version)
        c:byte(F.restart)
        c:byte(F.complete)
        local stop = c:varint(F.length) + c.at
        if stop > c.stop then error("too short") end
        while c.at < stop do c:entry() end
    end,
    -- An answer without a query has a medium-term key.
    function(c) c:entry(c:varint(F.query) == 0 and F.medium_key or F.key) end,
    function(c) c:varint(F.query) end,
    function() end,
    function(c) return mail(c, delta) end,
    function(c) return channel(c, delta) end,
}

-- The plaintext of Data; returns a summary.
local function dissect_plain(c)
    local flags, item = c:byte(F.flags)
    local bits = { F.nack, F.probe, F.has_version, F.closes, F.has_cookie, F.is_padded }
    for _, flag in ipairs(bits) do
        item:add(flag, c.tvb(c.at - 1, 1))
    end
    c:varint(F.acknowledged)
    c:varint(F.window)
    c:varint(F.first)
    if band(flags, 4) ~= 0 then c:varint(F.roster_version) end
    if band(flags, 8) ~= 0 then read_reason(c) end
    if band(flags, 16) ~= 0 then c:cookie() end
    local padding = band(flags, 128) ~= 0 and c.tvb(c.tvb:len() - 1, 1):uint() or 0
    if band(flags, 128) ~= 0 then
        if padding == 0 or padding > c:left() then error("no such padding") end
        for at = c.tvb:len() - padding, c.tvb:len() - 2 do
            if c.tvb(at, 1):uint() ~= 0 then error("padding is zeros") end
        end
    end
    local names, tree = {}, c.tree
    while c:left() > padding do
        local start = c.at
        local kind = c.tvb(start, 1):uint()
        local name = FRAMES[kind]
        if not name then error("no such frame") end
        local branch = tree:add(chatapp, c.tvb(start), name)
        c.tree = branch
        c:byte(F.frame)
        c.before = dissect_frame[kind](c)
        branch:set_len(c.at - start)
        names[#names + 1] = name
    end
    c.tree = tree
    if padding > 0 then c:bytes(F.padding, padding) end
    return #names == 0 and "acknowledgement" or table.concat(names, ", ")
end

---- Datagrams ----

local dissect_body = {
    [0] = function() end,
    function(c) c:bytes(F.zeros, c:left()) end,
    function(c)
        c:cookie()
        if c:left() > 0 then c:bytes(F.key, KEY_LEN) end
    end,
    function(c)
        c:cookie()
        return c:first_message(read_client_hello)
    end,
    function(c)
        c:fixed(F.to_incarnation)
        return c:first_message(read_peer_hello)
    end,
    function(c)
        c:bytes(F.e, KEY_LEN)
        return c:part(F.encrypted_payload, c:left(), read_answer)
    end,
    read_reason,
    function(c) c:bytes(F.reset_token, TAG_LEN) end,
}

-- Dissects Data; returns a summary, if the key log has its key.
local function dissect_data(tvb, c)
    c:fixed(F.counter)
    local plain = decrypt_data(tvb)
    if c:left() > 0 then c:bytes(F.encrypted, c:left()) end
    if not plain then return nil end
    local decrypted = ByteArray.new(plain, true):tvb("Decrypted")
    return dissect_plain(cursor(decrypted, c.tree:add(chatapp, decrypted(), "Decrypted")))
end

local function dissect(tvb, pinfo, root)
    local len = tvb:len()
    if len < HEADER_LEN + SHORT_TAG_LEN then return 0 end
    local tree = root:add(chatapp, tvb())
    local c = cursor(tvb, tree)
    local version = c:byte(F.version)
    local kind = c:byte(F.kind)
    c:fixed(F.session_id)
    c.id = tvb(2, 8):le_uint64():tohex()
    local name = KINDS[kind] or string.format("kind %d", kind)
    pinfo.cols.protocol = "ChatApp"
    pinfo.cols.info = version == VERSION and name or string.format("version %d", version)
    if version ~= VERSION and kind ~= 0 then return len end
    local is_data = kind == DATA
    c.stop = len - (is_data and TAG_LEN or SHORT_TAG_LEN)
    local is_sound, what = pcall(function()
        if is_data then return dissect_data(tvb, c) end
        local body = dissect_body[kind]
        if not body then error("no such kind") end
        local what = body(c)
        if c:left() > 0 then error("too long") end
        return what
    end)
    if not is_sound then
        tree:add_proto_expert_info(malformed)
    elseif what then
        pinfo.cols.info:append(": " .. what)
    end
    if is_data then
        tree:add(F.tag, tvb(len - TAG_LEN, TAG_LEN))
    else
        tree:add_le(F.short_tag, tvb(len - SHORT_TAG_LEN, SHORT_TAG_LEN))
    end
    return len
end

function chatapp.dissector(tvb, pinfo, root) return dissect(tvb, pinfo, root) end

---- Which datagrams these are ----

local LENGTHS = {
    [0] = function(len) return len == 18 end,
    function(len) return len == 96 end,
    function(len) return len == 34 or len == 66 end,
    function(len) return len > 122 + TAG_LEN end,
    function(len) return len > 114 + TAG_LEN end,
    function(len) return len > 50 + TAG_LEN end,
    function(len) return len == 19 end,
    function(len) return len == 34 end,
}

-- There is no fixed port. A datagram that can begin a session is taken, and all that follow between
-- the same two addresses.
local function is_ours(tvb)
    local len = tvb:len()
    if len < HEADER_LEN + SHORT_TAG_LEN or tvb(0, 1):uint() ~= VERSION then return false end
    local kind = tvb(1, 1):uint()
    if kind == DATA then
        local id = tvb(2, 8):le_uint64():tohex()
        return with_keys(function() return key_log.sessions[id] end) ~= nil
    end
    return LENGTHS[kind] ~= nil and LENGTHS[kind](len)
end

chatapp:register_heuristic("udp", function(tvb, pinfo, root)
    if not is_ours(tvb) then return false end
    dissect(tvb, pinfo, root)
    pinfo.conversation = chatapp
    return true
end)

DissectorTable.get("udp.port"):add_for_decode_as(chatapp)
