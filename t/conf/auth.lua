-- SPDX-License-Identifier: Apache-2.0
-- A name without a login, as some modules set it: t/module/auth.t
function claim_alice(r)
    r.user = "alice"
    return apache2.DECLINED
end
