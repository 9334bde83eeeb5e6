"""Is my gradient, or my updated weight, right, and if not, what exactly did I do wrong?"""
