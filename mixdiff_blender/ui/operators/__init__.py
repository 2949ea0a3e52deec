"""What a person can do: each operator collects its input and hands over.

Every operator stands in one of the `MENUS`, since F3 searches menus; what adds regions stands in
Add > MixDiff. A new operator is a module here and a line in `registration.MODULES`.
"""
