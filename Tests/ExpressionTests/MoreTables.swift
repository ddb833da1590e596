/// More facts, as in `CoreTables`.
enum MoreTables {
    static let conversions = #"""
        bytes('') => b
        bytes('abc') => b61.62.63
        bytes('ÿ') => bc3.bf
        bytes(b'\xff') => bff
        bytes('\377') == b'\377' => false
        bytes(1) => ! bytes() does not take
        double(0) => 0.0
        double(1000000000000) => 1000000000000.0
        double(9223372036854775807) == 9223372036854775808.0 => true
        double(123u) => 123.0
        double(18446744073709551615u) == 18446744073709551616.0 => true
        double('0') => 0.0
        double('-0.0') => -0.0
        double('123.456') => 123.456
        double('-987.654') => -987.654
        double('6.02214e23') => 6.02214e+23
        double('1.38e-23') => 1.38e-23
        double('-84.32e7') => -843200000.0
        double('NaN') != double('NaN') => true
        double('Infinity') => inf
        double('') => ! is not a number
        double('1 ') => ! is not a number
        double('abc') => ! is not a number
        double(true) => ! double() does not take
        int(42) => 42
        int(42u) => 42
        int(9223372036854775807u) => 9223372036854775807
        int(18446744073709551615u) => ! out of range
        int(-123.456) => -123
        int(1.9) => 1
        int(-7.9) => -7
        int(11.5) => 11
        int(double(36028797018963969)) => 36028797018963968
        int(9223372036854775807.0) => ! out of range
        int(-9223372036854775808.0) => ! out of range
        int(1e99) => ! out of range
        int(0.0/0.0) => ! out of range
        int(1.0/0.0) => ! out of range
        int('987') => 987
        int('-987') => -987
        int('9223372036854775808') => ! in the range of an int
        int('1.5') => ! is not a whole number
        int('') => ! is not a whole number
        int(timestamp('2004-09-16T23:59:59Z')) => 1095379199
        int(duration('1s')) => ! int() does not take a duration
        int(true) => ! int() does not take a bool
        uint(1729) => 1729u
        uint(9223372036854775807) => 9223372036854775807u
        uint(-1) => ! out of range
        uint(3.14159265) => 3u
        uint(1.9) => 1u
        uint(1e19) => 10000000000000000000u
        uint(6.022e23) => ! out of range
        uint(18446744073709551615.0) => ! out of range
        uint(-0.5) => ! out of range
        uint('300') => 300u
        uint('-1') => ! is not a whole number
        uint('-0') => ! is not a whole number
        int('-0') => 0
        int('0x10') => ! is not a whole number
        int(' 1') => ! is not a whole number
        string('x') => 'x'
        string(123) => '123'
        string(-456) => '-456'
        string(9876u) => '9876'
        string(123.456) => '123.456'
        string(-4.5e-3) => '-0.0045'
        string(1.0) => '1'
        string(0.0/0.0) => 'NaN'
        string(true) => 'true'
        string(b'abc') => 'abc'
        string(b'\303\277') => 'ÿ'
        string(b'\000\xff') => ! invalid UTF-8
        string([]) => ! string() does not take a list
        string(null) => ! string() does not take null
        string(int) => ! string() does not take a type
        bool(true) => true
        bool('1') => true
        bool('t') => true
        bool('true') => true
        bool('TRUE') => true
        bool('True') => true
        bool('0') => false
        bool('f') => false
        bool('False') => false
        bool('TrUe') => ! is neither true nor false
        bool('yes') => ! is neither true nor false
        bool(1) => ! bool() does not take an int
        dyn([1, 'one']) => [1,'one']
        type(dyn([1, 'one'])) => <list>
        type(true) => <bool>
        bool => <bool>
        dyn => ! dyn is a function
        type(0) => <int>
        int => <int>
        type(64u) => <uint>
        uint => <uint>
        type(3.14) => <double>
        double => <double>
        type(null) => <null_type>
        null_type => <null_type>
        type('foo') => <string>
        string => <string>
        type(b'\xff') => <bytes>
        bytes => <bytes>
        list => <list>
        type({4: 16}) => <map>
        map => <map>
        type([1]) == type(['one']) => true
        type({'one': 1}) == type({1: 'one'}) => true
        type(7) == type(7u) => false
        type(0.0) != type(-0.0) => false
        type(type(7)) == type(type(7u)) => true
        type(int) => <type>
        type => <type>
        type(type) => <type>
        type(timestamp(0)) => <google.protobuf.Timestamp>
        type(timestamp(0)) == google.protobuf.Timestamp => true
        type(duration('1s')) == google.protobuf.Duration => true
        google.protobuf.Any => ! there are google.protobuf.Timestamp
        """#

    static let macros = #"""
        [1, 2, 3].exists(e, e > 0) => true
        [1, 2, 3].exists(e, e == 2) => true
        [1, 2, 3].exists(e, e > 3) => false
        [1, 'foo', 3].exists(e, e != '1') => true
        [1, 'foo', 3].exists(e, e == '10') => false
        [1, 'foo', 3].exists(e, e > 2) => true
        [1, 'foo', 3].exists(e, e > 3) => ! have no order
        [1, 2, 3].exists(e, e / 0 == 17) => ! by zero
        [].exists(e, e == 2) => false
        {'key1':1, 'key2':2}.exists(k, k == 'key2') => true
        !{'key1':1, 'key2':2}.exists(k, k == 'key3') => true
        {'key':1, 1:21}.exists(k, k != 2) => true
        [1, 2, 3].all(e, e > 0) => true
        [1, 2, 3].all(e, e == 2) => false
        [1, 'foo', 3].all(e, e == 1) => false
        [1, 'foo', 3].all(e, e % 2 == 1) => ! % does not take
        [1, 2, 3].all(e, 6 / (2 - e) == 6) => false
        [1, 2, 3].all(e, e / 0 != 17) => ! by zero
        [].all(e, e > 0) => true
        [].all(e, 1 / 0 > 0) => true
        {'key1':1, 'key2':2}.all(k, k == 'key2') => false
        [].exists_one(a, a == 7) => false
        [7].exists_one(a, a == 7) => true
        [8].exists_one(a, a == 7) => false
        [6, 7, 8].exists_one(foo, foo % 5 == 2) => true
        [0, 1, 2, 3, 4].exists_one(n, n % 2 == 1) => false
        ['foal', 'foo', 'four'].exists_one(n, n.startsWith('fo')) => false
        [3, 2, 1, 0].exists_one(n, 12 / n > 1) => ! by zero
        {6: 'six', 7: 'seven', 8: 'eight'}.exists_one(foo, foo % 5 == 2) => true
        [7].existsOne(a, a == 7) => true
        [].map(n, n / 2) => []
        [3].map(n, n * n) => [9]
        [2, 4, 6].map(n, n / 2) => [1,2,3]
        [2, 1, 0].map(n, 4 / n) => ! by zero
        {1: 1, 2: 4, 3: 9}.map(x, x * x) => [1,4,9]
        [1, 2, 3].map(n, n > 1, n * 10) => [20,30]
        [].filter(n, n % 2 == 0) => []
        [2].filter(n, n == 2) => [2]
        [1].filter(n, n > 3) => []
        [0, 1, 2, 3, 4].filter(x, x % 2 == 1) => [1,3]
        [3, 2, 1, 0].filter(n, 12 / n > 4) => ! by zero
        {0: 10, 1: 11, 2: 12, 3: 13, 4: 14}.filter(x, x % 2 == 1) => [1,3]
        ['signer'].filter(signer, ['artifact'].all(artifact, true)) => ['signer']
        [1, 2].map(e, [3, 4].map(f, e * f)) => [[3,4],[6,8]]
        [1, 2].map(x, [x, 10].map(x, x + 1)) => [[2,11],[3,11]]
        [1, 2].map(x, x + .x.name) => [1025,1026]
        [1].map(e, e)[0] => 1
        [[1, 2], []].exists(l, l.exists(e, e / 0 > 0)) => ! by zero
        [[1, 2], [0]].exists(l, l.all(e, 2 / e > 0) || size(l) == 1) => true
        [1].all(int, int == 1) => true
        x.exists(k, k == 'name') => true
        a.all(e, e == 0) => true
        [1].all(e, e) => ! all() takes a bool
        [1].filter(e, 'a') => ! filter() takes a bool
        1.all(e, true) => ! takes a list or a map
        'abc'.map(e, e) => ! takes a list or a map
        null.exists(e, true) => ! takes a list or a map
        [1].all(1, true) => ! takes the name of a variable
        [1].all(e.f, true) => ! takes the name of a variable
        [1].all(e) => ! takes the name of a variable
        [1].all() => ! takes the name of a variable
        [1].all(true, true) => ! takes the name of a variable
        [1].all(if, true) => ! takes the name of a variable
        [1].all(e, true, true) => ! takes a variable and one condition
        [1].all(i, e, e == i) => ! takes one variable
        {'a': 1}.exists(k, v, k == v) => ! takes one variable
        [1].map(e, e, e, e) => ! takes a variable and one value or two
        [1].all(e, true) && e => ! there is no "e"
        [1].exist(e, e > 0) => ! did you mean exists?
        all([1], e) => ! write value.all(…)
        'a'.has(b) => ! write has(value)
        """#

    static let parsing = #"""
        a[a[a[a[a[a[a[a[a[a[a[a[0]]]]]]]]]]]] => 0
        int(uint(int(uint(int(uint(int(uint(int(uint(int(uint(7)))))))))))) => 7
        size([[[[[[[[[[[[0]]]]]]]]]]]]) => 1
        size({0: {0: {0: {0: {0: {0: {0: {0: {0: {0: {0: {0: 'foo'}}}}}}}}}}}}) => 1
        ((((((((((((((((((((((((((((((((7)))))))))))))))))))))))))))))))) => 7
        !!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!true => true
        --------------------------------19 => 19
        [[[[[[[[[[[['foo']]]]]]]]]]]][0][0][0][0][0][0][0][0][0][0][0][0] => 'foo'
        '''hello''' => 'hello'
        """hello""" => 'hello'
        ''' ' '' ''' => ' ' '' '
        ' \\ \? \" \' \` ' => ' \ ? " ' ` '
        '\a\b\f\t\v' == '\x07\x08\x0c\x09\x0b' => true
        '\000\012\177' == '\x00\n\u007f' => true
        '\X4a\x4B\u01aB\U000001aB' => 'JKƫƫ'
        '\U00088888' == '\U00088889' => false
        r' \\ \? \" \n \000 \u0000 ' => ' \\ \? \" \n \000 \u0000 '
        R'\n' => '\n'
        b'hello' => b68.65.6c.6c.6f
        b'''a'b''' => b61.27.62
        b'\000\377\xff\xFE' => b0.ff.ff.fe
        br'\n' => b5c.6e
        bR"\x" => b5c.78
        B'\303\277' => bc3.bf
        b'ÿ🐱' => bc3.bf.f0.9f.90.b1
        b'\u00FF' => ! bytes have no \u
        b'\U0001F431' => ! bytes have no \u
        br'\u00FF' => b5c.75.30.30.46.46
        '\400' => ! no such escape
        '\8' => ! no such escape
        '\x4' => ! needs 2 digits
        '\u12' => ! needs 4 digits
        '\ud800' => ! Unicode scalar
        '\U00110000' => ! Unicode scalar
        '\x+1' => ! needs 2 digits
        '\q' => ! no such escape
        b'abc => ! does not end
        '''abc'' => ! does not end
        1 // two + => 1
        1 + // nothing => ! ends where a value
        true ? 1 => ! ":" is missing
        x..y => ! field's name
        . => ! name is missing behind the dot
        `x` => ! behind a dot
        x.`` => ! in backquotes has letters
        x.`a => ! in backquotes has letters
        x.`a"b` => ! in backquotes has letters
        x.`name`() => ! left over
        .true => ! name is missing behind the dot
        {'in': 1}.in => ! write ["in"]
        {'true': 1}.true => ! write ["true"]
        {'null': 1}.null => ! write ["null"]
        has({'false': 1}.false) => ! write ["false"]
        {'in': 1}['in'] => 1
        {'if': 1}.if + {'package': 2}.package + {'void': 3}.void => 6
        {'map': 1}.map + {'all': 2}.all => 3
        if => ! reserved word
        while + 1 => ! reserved word
        1 = 1 => ! equality is ==
        1 === 1 => ! equality is ==
        a && => ! ends where a value
        a b => ! left over
        [1, => ! ends where a value
        [1, 2,] => [1,2]
        {'a': 1,} => {a:1}
        size([1],) => ! missing behind the comma
        'a'.contains('a',) => ! missing behind the comma
        [1].all(e, true,) => ! missing behind the comma
        {1 => ! ":" is missing
        {1: => ! ends where a value
        size( => ! ends where a value
        timestamp() => ! takes 1 value
        'a'.contains('a', 'b') => ! takes 1 value
        timestamp(0).getDate(1, 2) => ! takes 0 to 1 values
        strng(1) => ! did you mean string?
        'a'.startswith('a') => ! did you mean startsWith?
        duraton('1s') => ! did you mean duration?
        contains('a', 'b') => ! write value.contains(…)
        'a'.int() => ! write int(value)
        frobnicate(1) => ! known are size
        nam => ! there is no "nam"
        size => ! size is a function
        """#
}
