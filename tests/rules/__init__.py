"""The rules of the product, sentence by sentence: each test begins with its sentence's number."""
