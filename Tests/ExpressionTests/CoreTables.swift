/// Facts of the CEL specification and its conformance suite, one a line: an expression, `=>`, and the value as `show`
/// writes it, or `!` and words of the error.
enum CoreTables {
    static let basic = #"""
        0 => 0
        0u => 0u
        0.0 => 0.0
        0e+0 => 0.0
        '' => ''
        "" => ''
        r"" => ''
        b"" => b
        false => false
        true => true
        null => null
        [] => []
        {} => {}
        17 => 17
        123456789u => 123456789u
        0x55555555 => 1431655765
        -0x55555555 => -1431655765
        0x55555555u => 1431655765u
        -9223372036854775808 => -9223372036854775808
        -2.3e+1 => -23.0
        "!" => '!'
        '\'' => '''
        b'ÿ' => bc3.bf
        '\U0001F431' => '🐱'
        '\u270c' => '✌'
        [-1] => [-1]
        {"k":"v"} => {k:'v'}
        [17, 'pancakes'] => [17,'pancakes']
        .5 => 0.5
        1e3 => 1000.0
        .size('abc') => 3
        .x.name => 1024
        x.name => 1024
        x['name'] => 1024
        x.nam => ! did you mean name?
        x.zebra => ! no such field "zebra"
        y => ! there is no "y"
        a.pancakes => ! a list has no field
        """#

    static let comparisons = #"""
        1 == 1 => true
        -1 == 1 => false
        dyn(1) == 1u => true
        dyn(2) == 1u => false
        dyn(1) == 1.0 => true
        dyn(2) == 1.0 => false
        2u == 2u => true
        1u == 2u => false
        dyn(1u) == 1 => true
        dyn(1u) == 1.0 => true
        1.0 == 1.0e+0 => true
        -1.0 == 1.0 => false
        0.0/0.0 == 0.0/0.0 => false
        dyn(1) == 0.0/0.0 => false
        dyn(1u) == 0.0/0.0 => false
        dyn(1.0) == 1 => true
        dyn(2.0) == 1u => false
        0.0 == -0.0 => true
        '' == "" => true
        'a' == 'b' => false
        'abc' == r'abc' => true
        'abc' == 'ABC' => false
        'ίσος' == 'ίσος' => true
        'a' == 'à' => false
        'Am\u00E9lie' == 'Ame\u0301lie' => false
        null == null => true
        true == true => true
        false == true => false
        b'ÿ' == b'\303\277' => true
        b'abc' == b'abcd' => false
        'abc' == b'abc' => false
        [] == [] => true
        [null] == [null] => true
        ['1', '2', null] == ['1', '2', '3'] => false
        [1, 2, 3] == [1, 2, 3] => true
        [1.0, 2.0, 3] == [1u, 2, 3u] => true
        [1.0, 2.1] == [1u, 2] => false
        [1, 2, 3] == [1, 3, 2] => false
        ['case'] == ['cAse'] => false
        ['one'] == [2, 3] => false
        [1, 'dos', 3] == [1, 2, 4] => false
        [0.0/0.0] == [0.0/0.0] => false
        {} == {} => true
        {} == [] => false
        {'k': null} == {'k': null} => true
        {'k': 1, 'j': 2} == {'k': 1, 'j': null} => false
        {'k':'v'} == {"k":"v"} => true
        {'k':1.0} == {'k':1e+0} => true
        {1: 1.0, 2u: 3u} == {1u: 1, 2: 3.0} => true
        {'k':'v'} == {'k':'v1'} => false
        {'k':'v','k1':'v1'} == {'k':'v'} => false
        {'k1':'v1','k2':'v2'} == {'k2':'v2','k1':'v1'} => true
        {'key':'value'} == {'Key':'value'} => false
        {'k':'v', 1:1} == {'k':'v', 1:'v1'} => false
        {true: 1} == {1: 1} => false
        dyn(false) == null => false
        dyn(b'') == null => false
        dyn(2.1) == null => false
        dyn(duration('0s')) == null => false
        dyn(1) == null => false
        dyn([]) == null => false
        dyn({}) == null => false
        dyn('') == null => false
        dyn(timestamp(0)) == null => false
        1 == '1' => false
        1 != '1' => true
        24 != 42 => true
        1u != 1 => false
        'a' != 'b' => true
        null != null => false
        0.0/0.0 != 0.0/0.0 => true
        timestamp(0) == 0 => false
        duration('1s') == 1 => false
        int == int => true
        int == 'int' => false
        -1 < 0 => true
        0 < 0 => false
        dyn(1) < 2u => true
        dyn(9223372036854775807) < 9223372036854775808u => true
        -1 < 0u => true
        0u < 1u => true
        dyn(18446744073709551615u) < 1 => false
        1 < 1.1 => true
        dyn(9007199254740993) < 9007199254740992.0 => false
        dyn(9223372036854775807) < 9223372036854775808.0 => false
        dyn(9223372036854775807) == 9223372036854775808.0 => true
        dyn(9223372036854775807) < 9223372036854777857.0 => true
        dyn(-9223372036854775808) > -9223372036854777857.0 => true
        dyn(-9223372036854775808) > -9223372036854775809.0 => false
        dyn(9223372036854775808.0) > 9223372036854775807 => false
        dyn(18446744073709553665.0) > 18446744073709551615u => true
        dyn(18446744073709551615u) < -1.0 => false
        dyn(9007199254740993) == 9007199254740992.0 => true
        dyn(9007199254740993) < 9007199254740994.0 => true
        dyn(9223372036854775807) < -9223372036854777857.0 => false
        dyn(18446744073709551615u) < 18446744073709590000.0 => true
        1.0 < 1.0000001 => true
        -0.0 < 0.0 => false
        0.0/0.0 < 1.0 => false
        0.0/0.0 >= 1.0 => false
        1 > 0.0/0.0 => false
        'a' < 'b' => true
        'a' < 'aa' => true
        'Abc' < 'aBC' => true
        'abc' < 'abc' => false
        'α' < 'омега' => true
        '\u00fc' < '\u0041\u030a' => false
        b'a' < b'b' => true
        b'abc' < b'abcd' => true
        b'\xff' < b'\x00' => false
        false < true => true
        true < true => false
        timestamp(1) < timestamp(2) => true
        duration('1s') < duration('1001ms') => true
        1 <= 1 => true
        0u <= 0u => true
        '' <= '' => true
        b'' <= b'' => true
        false <= false => true
        42 > -42 => true
        42u >= 42u => true
        'b' > 'a' => true
        '👌' > '✌' => true
        0 < 'foo' => ! have no order
        1 > 'a' => ! an int and a string have no order
        null < null => ! have no order
        [] < [] => ! have no order
        {} < {} => ! have no order
        int < uint => ! have no order
        'a' < b'a' => ! have no order
        timestamp(0) < '2026-11-25T00:00:00Z' => ! timestamp(…) makes a timestamp
        timestamp(0) < duration('1s') => ! have no order
        true < 1 => ! have no order
        'apple' in ['apple', 'pear'] => true
        'coffee' in ['apple'] => false
        'two' in ['one', 2, 'two'] => true
        1u in [1, 2] => true
        1.0 in [0, 1] => true
        null in [null] => true
        1 in [] => false
        [1] in [[1.0]] => true
        7 in {} => false
        true in {true: 1} => true
        'spider' in {'ant': 6, 'fly': 6} => false
        3.0 in {1: 1, 2: 2, 3u: 3} && 2u in {1u: 1, 2: 2} && 1 in {1u: 1, 2: 2} => true
        3.1 in {1: 1, 2: 2, 3u: 3} => false
        [] in {} => false
        'a' in 'abc' => ! takes a list or a map
        1 in null => ! takes a list or a map
        """#

    static let arithmetic = #"""
        42 + 2 => 44
        42 + (-2) => 40
        -42 + (-2) => -44
        42 - 2 => 40
        42 - (-2) => 44
        -42 - (-2) => -40
        42 * 2 => 84
        42 * (-2) => -84
        -42 * (-2) => 84
        42 / 2 => 21
        -42 / 2 => -21
        -42 / (-2) => 21
        5 / -3 => -1
        42 % 5 => 2
        42 % (-5) => 2
        -42 % (-5) => -2
        -43 % 5 => -3
        -(42) => -42
        -(0) => 0
        -(-42) => 42
        15 * 0 => 0
        42 % 0 => ! by zero
        15 / 0 => ! by zero
        9223372036854775807 + 1 => ! does not fit
        -9223372036854775808 + (-1) => ! does not fit
        9223372036854775807 - (-1) => ! does not fit
        -9223372036854775808 - 1 => ! does not fit
        5000000000 * 5000000000 => ! does not fit
        (-5000000000) * 5000000000 => ! does not fit
        -(-9223372036854775808) => ! does not fit
        -9223372036854775808 / -1 => ! does not fit
        -9223372036854775808 % -1 => ! does not fit
        42u + 2u => 44u
        42u - 2u => 40u
        42u * 2u => 84u
        42u / 2u => 21u
        42u % 5u => 2u
        15u * 0u => 0u
        -(5u) => ! - takes an int or a double
        42u % 0u => ! by zero
        15u / 0u => ! by zero
        18446744073709551615u + 1u => ! does not fit
        0u - 1u => ! does not fit
        5000000000u * 5000000000u => ! does not fit
        4.25 + 15.25 => 19.5
        17.75 + (-7.75) => 10.0
        -4.125 + (-2.125) => -6.25
        42.875 - (-22.0) => 64.875
        42.5 * 0.2 => 8.5
        40.75 * (-2.25) => -91.6875
        0.0625 / 0.002 => 31.25
        -2.0 / 2.0 => -1.0
        -8.875 / (-0.0625) => 142.0
        47.5 % 5.5 => ! % does not take a double and a double
        -(4.5) => -4.5
        -(0.0) => -0.0
        15.75 / 0.0 => inf
        -15.75 / 0.0 => -inf
        15.36 * 0.0 => 0.0
        2.0 * 8.988466e+307 => inf
        2.0 * -8.988466e+307 => -inf
        1e-324 / 2.0 => 0.0
        7.5 + 1.5 == 1.5 + 7.5 => true
        1 + 1.0 => ! both sides must be of one type
        1u + 1 => ! both sides must be of one type
        1 + '1' => ! + does not take an int and a string
        'a' - 'a' => ! - does not take
        true + true => ! + does not take
        null + null => ! + does not take
        {} + {} => ! + does not take
        'he' + 'llo' => 'hello'
        'hello' + ' ' == 'hello' => false
        '' + 'abc' => 'abc'
        '¢' + 'ÿ' + 'Ȁ' => '¢ÿȀ'
        b'a' + b'\xff' => b61.ff
        b'a' + 'a' => ! + does not take bytes and a string
        [0, 1, 2]+[3, 4, 5]==[0, 1, 2, 3, 4, 5] => true
        [0, 1, 2]+[3, 4, 5]==[3, 4, 5, 0, 1, 2] => false
        [2]+[2] => [2,2]
        []+[] => []
        """#

    static let logic = #"""
        true ? 1 : 2 => 1
        false ? 'foo' : 'bar' => 'bar'
        2 / 0 > 4 ? 'baz' : 'quux' => ! by zero
        true ? 'cows' : 17 => 'cows'
        'cows' ? false : 17 => ! ? takes a bool
        true ? 1 : 1 / 0 => 1
        false ? 1 / 0 : 2 => 2
        true && true => true
        false && true => false
        true && false => false
        false && 32 => false
        'horses' && false => false
        false && (2 / 0 > 3 ? false : true) => false
        (2 / 0 > 3 ? false : true) && false => false
        true && 1/0 != 0 => ! by zero
        1/0 != 0 && true => ! by zero
        'less filling' && 'tastes great' => ! && takes a bool
        true || 32 => true
        'horses' || true => true
        true || (2 / 0 > 3 ? false : true) => true
        (2 / 0 > 3 ? false : true) || true => true
        false || 1/0 != 0 => ! by zero
        1/0 != 0 || false => ! by zero
        'less filling' || 'tastes great' => ! || takes a bool
        !true => false
        !false => true
        !0 => ! ! takes a bool
        x.zebra == 1 || x.name == 1024 => true
        x.zebra == 1 && x.name == 1 => false
        """#

    static let fields = #"""
        {0:1,2:2,5:true}[5] => true
        {0u:1u,2u:'happy',5u:3u}[2u] => 'happy'
        {'name':100u}['name'] => 100u
        {true:5}[true] => 5
        {true:1,2:2,5u:3}[true] => 1
        {1u: 1.0, 2: 2.0, 3u: 3.0}[3.0] => 3.0
        {1u: 1.0, 2: 2.0, 3u: 3.0}[3.1] => ! no such key
        {1u: 1.0, 2: 2.0, 3u: 3.0}[2u] => 2.0
        {1u: 1.0, 2: 2.0, 3u: 3.0}[1] => 1.0
        {0:1,2:2,5:3}[1] => ! no such key
        {true:null}[true] => null
        {0:b""}[0] => b
        {0u:[1]}[0u] => [1]
        {"map": {"k": "v"}}["map"] => {k:'v'}
        {"map": {"k": "v"}}.map.k => 'v'
        {3.3:15.15, 1.0: 5}[1.0] => ! key must be
        {null:false}[null] => ! key must be
        {[1]:false} => ! key must be
        {true:1,false:2,true:3}[true] => ! twice
        {0: 1, 0u: 2}[0.0] => ! twice
        {'a': 1}[null] => ! cannot be indexed by null
        {'a': 1}[[]] => ! cannot be indexed by a list
        has({'a': 1, 'b': 2}.a) => true
        has({'a': 1, 'b': 2}.c) => false
        has({}.a) => false
        has({'a': null}.a) => true
        has({'a': {'b': 1}}.a.b) => true
        has({}.a.b) => ! no such field "a"
        has({1: 2}.a) => false
        {'content-type': 7}.`content-type` => 7
        has({'/api/v1': 1}.`/api/v1`) && !has({'/api/v1': 1}.`/api/v2`) => true
        {'in': 1, 'a.b c': 2}.`in` + {'a.b c': 2}.`a.b c` => 3
        {'a': {'b': 1}}.`a`.b => 1
        has(null.a) => ! has no fields
        null.a => ! null has no field "a"
        'a'.b => ! a string has no field
        [7, 8, 9][0] => 7
        [7, 8, 9][2] => 9
        [7, 8, 9][3] => ! has 3 elements
        [7, 8, 9][-1] => ! has 3 elements
        [7, 8, 9][dyn(0.0)] => 7
        [7, 8, 9][dyn(0.1)] => ! has 3 elements
        [7, 8, 9][dyn(0u)] => 7
        [7, 8, 9][1e300] => ! has 3 elements
        [7, 8, 9][0.0/0.0] => ! has 3 elements
        [7, 8, 9][18446744073709551615u] => ! has 3 elements
        [7, 8, 9]['a'] => ! cannot be indexed
        ['a'][0][0] => ! cannot be indexed
        1[0] => ! cannot be indexed
        size([1, 2, 3]) => 3
        size({1: 1, 'b': 2}) => 2
        size('') => 0
        size('four') => 4
        size('πέντε') => 5
        size('🐱') => 1
        size(b'abc') => 3
        b'ÿ'.size() => 2
        size(1) => ! size() does not take
        size(null) => ! size() does not take null
        'foobar'.startsWith('foo') => true
        'foobar'.startsWith('bar') => false
        ''.startsWith('foo') => false
        ''.startsWith('') => true
        'завтра'.startsWith('за') => true
        'foobar'.endsWith('bar') => true
        'foobar'.endsWith('foo') => false
        ''.endsWith('') => true
        'forté'.endsWith('té') => true
        'hello'.contains('he') => true
        'hello'.contains('') => true
        'hello'.contains('ol') => false
        'abababc'.contains('ababc') => true
        'Straße'.contains('aß') => true
        'a'.contains(1) => ! does not take a string and an int
        1.contains('a') => ! does not take an int and a string
        'hubba'.matches('ubb') => ! regular expressions are left out
        matches('hubba', 'ubb') => ! regular expressions are left out
        """#
}
