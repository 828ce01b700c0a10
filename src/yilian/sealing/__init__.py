"""Values that are sealed at rest: numbers and telephone numbers of persons, and the secrets of the house itself.

suites.py    the two suites of algorithms: aes (AES-256-GCM, HMAC-SHA-256) and sm (SM4-GCM, HMAC-SM3)
master.py    the master key, a file beside the database; it wraps data keys and nothing else
keyring.py   the data keys of a database, unwrapped; sealing, opening, blind indexes
personal.py  what of a resource is sealed

How keys stand in the database is in `store/data_keys.py`, how what is there is brought over to others in `store/resealing.py`.

A sealed value is a text between two characters that are none (U+FDD0, U+FDD1; The Unicode Standard 23.7): the id of its data key, then in
base64url nonce, ciphertext and tag. What it is and where it stands is authenticated with it, so it opens nowhere else. The values of one
resource are sealed together, in order, at the place of the first; between the two characters at the places of the others is nothing. A
blind index is a keyed hash of a value: whoever has the key finds the value again, nobody reads it back.
"""
