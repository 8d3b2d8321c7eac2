@0xd7a2a1f5c3b46e91;

interface Adder {
  sum @0 (a :Int64, b :Int64) -> (total :Int64);
  echo @1 (data :Data) -> (data :Data);
}
