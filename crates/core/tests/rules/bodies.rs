//! How bodies become records, in the streams they are appended to.

use crate::script::table;

#[test]
fn a_json_body_is_flattened_by_one_level_and_keeps_its_bytes() {
    table(
        "put j type=application/json;charset=utf-8 => created j@0",
        &[
            (
                "a value",
                "append j body='{\"a\": 1.0}' => appended j@11\nshow j => j@11 '{\"a\": 1.0},' records 1",
            ),
            ("an array", "append j body='[1, 2]' => appended j@4\nshow j => j@4 '1,2,' records 2"),
            (
                "arrays in an array",
                "append j body=[[1,2],[3]] => appended j@10\nshow j => j@10 '[1,2],[3],' records 2",
            ),
            (
                "an empty array in an array",
                "append j body=[[]] => appended j@3\nshow j => j@3 '[],' records 1",
            ),
            ("an empty array", "append j body='[ ]' => refused invalid_json"),
            ("a large number", "append j body=12345678901234567890 => appended j@21"),
            ("keys twice", "append j body={\"a\":1,\"a\":2} => appended j@14"),
            ("half a value", "append j body={\"a\": => refused invalid_json"),
            ("two values", "append j body='1 2' => refused invalid_json"),
            ("a comma too many", "append j body=[1,] => refused invalid_json"),
            ("spaces alone", "append j body='  ' => refused invalid_json"),
            (
                "no record of a refused array",
                "append j body='[1, x]' => refused invalid_json\nshow j => j@0 '' records 0",
            ),
        ],
    );
}

#[test]
fn a_byte_body_is_one_record() {
    table(
        "put t type=text/plain => created t@0\nput b type=image/png => created b@0",
        &[
            ("text", "append t body='[1, 2]' => appended t@6\nshow t => t@6 '[1, 2]' records 1"),
            ("binary", "append b body=[1,2] => appended b@5\nshow b => b@5 '[1,2]' records 1"),
            ("nothing", "append t => refused invalid_request"),
        ],
    );
}
